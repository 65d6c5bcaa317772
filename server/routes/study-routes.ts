import { type Static, Type } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import { DeviceId, Label, Nullable, Seq } from '../../shared/protocol/fields.ts'
import type { Account } from '../accounts.ts'
import type { StoredAct } from '../acts.ts'
import type { NewDevice } from '../enrol-code.ts'
import type { StudyPeople } from '../study-people.ts'

const strict = { additionalProperties: false }
const Text = Type.String()
const Reason = Type.Object({ reason: Label }, strict)
const ByDevice = Type.Object({ device: DeviceId }, strict)
const NewLaptop = Type.Object(
  {
    role: Type.Union([Type.Literal('field'), Type.Literal('relay')]),
    name: Label,
    site: Nullable(Label),
  },
  strict,
)
const Code = Type.Object({ code: Text, role: Text, name: Text, site: Nullable(Text) })
const Devices = Type.Object({
  devices: Type.Array(
    Type.Object({
      ...{ device: DeviceId, name: Text, role: Text, site: Nullable(Text), isRevoked: Type.Boolean() },
      reason: Nullable(Text),
    }),
  ),
  sites: Type.Array(Type.Object({ id: Text, name: Text })),
})
const PersonOfStudy = Type.Object({ id: Label, name: Label, role: Label }, strict)
const People = Type.Object({ version: Seq, people: Type.Array(PersonOfStudy, { maxItems: 10_000 }) }, strict)
const AskedActs = Type.Object({ before: Type.Optional(Type.String({ pattern: '^\\d{1,15}$' })) }, strict)
const Acts = Type.Object({
  acts: Type.Array(
    Type.Object({
      ...{ position: Seq, at: Text, who: Text, role: Text, act: Text, about: Text },
      ...{ old: Nullable(Text), new: Nullable(Text), reason: Nullable(Text) },
    }),
  ),
})

/** What the doors of devices, people and the log do. */
export interface StudyVerbs {
  devices(): Static<typeof Devices>
  addDevice(account: Account, device: NewDevice): Static<typeof Code>
  revoke(account: Account, device: string, reason: string): Promise<void>
  people(): StudyPeople
  setPeople(account: Account, next: StudyPeople): Promise<StudyPeople>
  acts(before: number | undefined): StoredAct[]
}

/** What only the data manager does: who and what belongs to the study, and what people did here. */
export function studyRoutes(scope: FastifyInstance, verbs: StudyVerbs): void {
  const config = { right: 'decide' } as const
  scope.get('/v1/manager/devices', { config, schema: { response: { 200: Devices } } }, async () => verbs.devices())
  scope.post<{ Body: Static<typeof NewLaptop> }>(
    '/v1/manager/devices',
    { config, schema: { body: NewLaptop, response: { 200: Code } } },
    async ({ account, body }) => verbs.addDevice(account, body),
  )
  scope.post<{ Params: Static<typeof ByDevice>; Body: Static<typeof Reason> }>(
    '/v1/manager/devices/:device/revocation',
    { config, schema: { params: ByDevice, body: Reason, response: { 200: Devices } } },
    async ({ account, params, body }) => {
      await verbs.revoke(account, params.device, body.reason)
      return verbs.devices()
    },
  )
  scope.get('/v1/manager/people', { config, schema: { response: { 200: People } } }, async () => verbs.people())
  scope.post<{ Body: StudyPeople }>(
    '/v1/manager/people',
    { bodyLimit: 8_388_608, config, schema: { body: People, response: { 200: People } } },
    async ({ account, body }) => verbs.setPeople(account, body),
  )
  scope.get<{ Querystring: Static<typeof AskedActs> }>(
    '/v1/manager/acts',
    { config, schema: { querystring: AskedActs, response: { 200: Acts } } },
    async ({ query }) => ({ acts: verbs.acts(query.before === undefined ? undefined : Number(query.before)) }),
  )
}
