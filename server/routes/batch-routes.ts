import { type Static, Type } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import { Count, Digest, Nullable, Seq } from '../../shared/protocol/fields.ts'
import type { Account } from '../accounts.ts'

const strict = { additionalProperties: false }
const Text = Type.String()
const Reason = Type.String({ minLength: 1, maxLength: 1000 })
const Cursor = Type.Optional(Type.String({ pattern: '^\\d{1,15}$' }))
const Asked = Type.Object(
  { state: Type.Union([Type.Literal('waiting'), Type.Literal('refused')]), after: Cursor },
  strict,
)
const ByDigest = Type.Object({ digest: Digest }, strict)
const Decided = Type.Object({ decision: Text })
const Decision = Type.Object({ decision: Text, batch: Digest, user: Text, reason: Text, decidedAt: Text })
const Batch = Type.Object({
  ...{ ordinal: Seq, digest: Digest, state: Text, code: Nullable(Text), message: Nullable(Text), producerName: Text },
  ...{ chain: Text, branch: Nullable(Digest), seq: Seq, changes: Count, bytes: Count, since: Text },
  ...{ courier: Nullable(Text), decided: Nullable(Text), refused: Nullable(Decision) },
})
const Content = {
  models: Type.Array(Type.Object({ model: Text, insert: Count, update: Count, delete: Count })),
  unread: Count,
}
const Branch = Type.Object({
  ...{ ...Content, branch: Digest, first: Seq, last: Seq, batches: Count, changes: Count },
  ...{ opened: Count, waiting: Count, refused: Count, alsoElsewhere: Count },
})
const ShownBatch = Type.Object({
  ...{ batch: Batch, sealedAt: Text, content: Type.Object(Content), branches: Type.Array(Branch) },
  path: Type.Array(Type.Object({ hop: Count, fromName: Text, byName: Text, at: Text })),
  follow: Type.Array(Type.Object({ digest: Digest, seq: Seq, changes: Count })),
  ...{ decisions: Type.Array(Decision), unreadable: Nullable(Type.Object({ code: Text, message: Text })) },
})
const List = Type.Object({ batches: Type.Array(Batch), next: Nullable(Seq) })
const Release = Type.Object({ reason: Reason, through: Type.Optional(Digest) }, strict)
const Refuse = Type.Object({ reason: Reason }, strict)

/** What the doors of batches do that wait for a person. */
export interface BatchVerbs {
  list(state: 'waiting' | 'refused', after: number): Promise<Static<typeof List>>
  show(digest: string): Promise<Static<typeof ShownBatch>>
  release(account: Account, digest: string, release: Static<typeof Release>): Promise<string>
  refuse(account: Account, digest: string, reason: string): Promise<string>
}

/** What is here and not opened: to look at, without a value, and, for the data manager, to decide. */
export function batchRoutes(scope: FastifyInstance, verbs: BatchVerbs): void {
  const look = { right: 'aside' } as const
  const decide = { right: 'decide' } as const
  scope.get<{ Querystring: Static<typeof Asked> }>(
    '/v1/manager/batches',
    { config: look, schema: { querystring: Asked, response: { 200: List } } },
    async ({ query }) => verbs.list(query.state, Number(query.after ?? 0)),
  )
  scope.get<{ Params: Static<typeof ByDigest> }>(
    '/v1/manager/batches/:digest',
    { config: look, schema: { params: ByDigest, response: { 200: ShownBatch } } },
    async ({ params }) => verbs.show(params.digest),
  )
  scope.post<{ Params: Static<typeof ByDigest>; Body: Static<typeof Release> }>(
    '/v1/manager/batches/:digest/release',
    { config: decide, schema: { params: ByDigest, body: Release, response: { 200: Decided } } },
    async ({ account, params, body }) => ({ decision: await verbs.release(account, params.digest, body) }),
  )
  scope.post<{ Params: Static<typeof ByDigest>; Body: Static<typeof Refuse> }>(
    '/v1/manager/batches/:digest/refuse',
    { config: decide, schema: { params: ByDigest, body: Refuse, response: { 200: Decided } } },
    async ({ account, params, body }) => ({ decision: await verbs.refuse(account, params.digest, body.reason) }),
  )
}
