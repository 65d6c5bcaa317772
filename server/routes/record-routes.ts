import { type Static, Type } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import { Count, Label, Nullable, Seq } from '../../shared/protocol/fields.ts'
import type { Account } from '../accounts.ts'
import type { FoundRecord } from '../find-records.ts'

const strict = { additionalProperties: false }
const Text = Type.String()
const Found = Type.Object({ record: Seq, model: Text, pk: Text })
const Models = Type.Object({
  models: Type.Array(Type.Object({ model: Text, label: Nullable(Text), naturalKey: Type.Array(Text) })),
})
const KeyPart = Type.String({ minLength: 1, maxLength: 1000 })
const Search = Type.Union([
  Type.Object({ model: Label, pk: Type.String({ minLength: 1, maxLength: 1000 }) }, strict),
  Type.Object({ model: Label, naturalKey: Type.Array(KeyPart, { minItems: 1, maxItems: 32 }) }, strict),
  Type.Object({ model: Label, after: Type.String({ maxLength: 1000 }) }, strict),
])
const Listed = Type.Object({
  found: Type.Array(Type.Object({ ...Found.properties, naturalKey: Type.Array(Type.Unknown()), state: Text })),
  next: Nullable(Text),
})
const ByRecord = Type.Object({ record: Type.String({ pattern: '^[1-9]\\d{0,14}$' }) }, strict)
const After = Type.Object({ after: Type.Optional(Type.String({ pattern: '^\\d{1,15}$' })) }, strict)

const Shown = { naturalKey: Type.Array(Type.Unknown()), fields: Type.Record(Text, Type.Unknown()), hidden: Count }
const View = Type.Object({
  ...{
    ...Found.properties,
    ...Shown,
    label: Nullable(Text),
    state: Text,
    conflict: Type.Boolean(),
    pks: Type.Array(Text),
  },
  ...{ producerName: Text, user: Text, recordedAt: Text },
})
const Entry = Type.Object({
  ...{
    ...Shown,
    id: Text,
    digest: Text,
    action: Text,
    user: Text,
    recordedAt: Text,
    reason: Nullable(Text),
    ingestedAt: Text,
  },
  ...{
    producerName: Text,
    seq: Seq,
    state: Text,
    code: Nullable(Text),
    isHead: Type.Boolean(),
    isShown: Type.Boolean(),
  },
})
export type HistoryTold = Static<typeof Entry>
const History = Type.Object({
  ...Found.properties,
  label: Nullable(Text),
  entries: Type.Array(Entry),
  isAll: Type.Boolean(),
})
const Naming = Type.Object({ found: Type.Array(Found), through: Count, of: Count })

/** What the doors of the viewer do; each look is written down before it is answered. */
export interface RecordVerbs {
  models(): Static<typeof Models>
  search(account: Account, search: Static<typeof Search>): Promise<Static<typeof Listed>>
  view(account: Account, record: number): Promise<Static<typeof View>>
  history(account: Account, record: number): Promise<Static<typeof History>>
  naming(record: number, after: number): { found: FoundRecord[]; through: number; of: number }
}

/** Decrypted records, for whom the account explicitly allows it. */
export function recordRoutes(scope: FastifyInstance, verbs: RecordVerbs): void {
  const config = { right: 'records' } as const
  const at = { params: ByRecord }
  scope.get('/v1/manager/models', { config, schema: { response: { 200: Models } } }, async () => verbs.models())
  scope.post<{ Body: Static<typeof Search> }>(
    '/v1/manager/records/search',
    { config, schema: { body: Search, response: { 200: Listed } } },
    async ({ account, body }) => verbs.search(account, body),
  )
  scope.get<{ Params: Static<typeof ByRecord> }>(
    '/v1/manager/records/:record',
    { config, schema: { ...at, response: { 200: View } } },
    async ({ account, params }) => verbs.view(account, Number(params.record)),
  )
  scope.get<{ Params: Static<typeof ByRecord> }>(
    '/v1/manager/records/:record/history',
    { config, schema: { ...at, response: { 200: History } } },
    async ({ account, params }) => verbs.history(account, Number(params.record)),
  )
  scope.get<{ Params: Static<typeof ByRecord>; Querystring: Static<typeof After> }>(
    '/v1/manager/records/:record/naming',
    { config, schema: { ...at, querystring: After, response: { 200: Naming } } },
    async ({ params, query }) => verbs.naming(Number(params.record), Number(query.after ?? 0)),
  )
}
