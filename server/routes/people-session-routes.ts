import { type Static, Type } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import { addressOf } from '../../shared/transfer/peer-door.ts'
import type { Account } from '../accounts.ts'
import { type Right, rightsOf } from '../rights.ts'

const strict = { additionalProperties: false }
const Password = Type.String({ minLength: 1, maxLength: 1000 })
const SignInBody = Type.Object({ name: Type.String({ minLength: 1, maxLength: 200 }), password: Password }, strict)
const NewPassword = Type.Object({ old: Password, next: Password }, strict)
const Nothing = Type.Object({}, strict)
const Done = Type.Object({})

const Me = Type.Object({ name: Type.String(), role: Type.String(), rights: Type.Array(Type.String()) })
const SignedIn = Type.Object({ bearer: Type.String(), me: Me })

/** What the doors of signing in do. */
export interface SessionVerbs {
  signIn(name: string, password: string, address: string): Promise<{ bearer: string; account: Account }>
  signOut(account: Account, authorization: string | undefined): void
  changePassword(account: Account, passwords: { old: string; next: string }, about: Asked): Promise<void>
}

/** Whence a request came. */
export interface Asked {
  address: string
  authorization: string | undefined
}

/** Signing in and out, and the account's own password. */
export function peopleSessionRoutes(scope: FastifyInstance, verbs: SessionVerbs): void {
  scope.post<{ Body: Static<typeof SignInBody> }>(
    '/v1/manager/session',
    { bodyLimit: 8192, config: { right: 'open' }, schema: { body: SignInBody, response: { 200: SignedIn } } },
    async (request) => {
      const { name, password } = request.body
      const { bearer, account } = await verbs.signIn(name, password, addressOf(request))
      return { bearer, me: meOf(account) }
    },
  )
  scope.post(
    '/v1/manager/session/end',
    { config: { right: 'counts' }, schema: { body: Nothing, response: { 200: Done } } },
    async ({ account, headers }) => {
      verbs.signOut(account, headers.authorization)
      return {}
    },
  )
  scope.get('/v1/manager/me', { config: { right: 'counts' }, schema: { response: { 200: Me } } }, async ({ account }) =>
    meOf(account),
  )
  scope.post<{ Body: Static<typeof NewPassword> }>(
    '/v1/manager/password',
    { bodyLimit: 8192, config: { right: 'counts' }, schema: { body: NewPassword, response: { 200: Done } } },
    async (request) => {
      const asked = { address: addressOf(request), authorization: request.headers.authorization }
      await verbs.changePassword(request.account, request.body, asked)
      return {}
    },
  )
}

function meOf(account: Account): { name: string; role: string; rights: Right[] } {
  return { name: account.name, role: account.role, rights: rightsOf(account) }
}
