import { type Static, Type } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import { Count, Digest, Label, Nullable, Seq } from '../../shared/protocol/fields.ts'
import type { Account } from '../accounts.ts'

const strict = { additionalProperties: false }
const Text = Type.String()
const Reason = Type.String({ minLength: 1, maxLength: 1000 })
const OnlyReason = Type.Object({ reason: Reason }, strict)
const Cursor = Type.Optional(Type.String({ pattern: '^\\d{1,15}$' }))
const After = Type.Object({ after: Cursor }, strict)
const AsideState = Type.Union(
  (['waiting', 'held', 'quarantined', 'discarded'] as const).map((state) => Type.Literal(state)),
)
const AskedAside = Type.Object({ state: AsideState, after: Cursor }, strict)
const ByDigest = Type.Object({ digest: Digest }, strict)
const ByRecord = Type.Object({ record: Type.String({ pattern: '^[1-9]\\d{0,14}$' }) }, strict)
const ByMerge = Type.Object({ merge: Type.String({ pattern: '^[0-9a-f]{32}$' }) }, strict)
const Decided = Type.Object({ decision: Text })

const Aside = Type.Object({
  ...{ position: Seq, digest: Digest, state: AsideState, code: Text, message: Text, model: Text, pk: Text },
  ...{ action: Text, producerName: Text, since: Text, decided: Nullable(Text) },
})
const AsideList = Type.Object({ aside: Type.Array(Aside), next: Nullable(Seq) })
const Shown = { naturalKey: Type.Array(Type.Unknown()), fields: Type.Record(Text, Type.Unknown()), hidden: Count }
const AsideChange = Type.Object({
  ...{ digest: Digest, id: Text, model: Text, pk: Text, action: Text, state: Text, code: Nullable(Text) },
  ...{ message: Nullable(Text), decided: Nullable(Text), user: Nullable(Text), recordedAt: Text },
  shown: Nullable(Type.Object(Shown)),
})
const Conflicts = Type.Object({
  conflicts: Type.Array(Type.Object({ record: Seq, model: Text, pk: Text, heads: Count, since: Nullable(Text) })),
  next: Nullable(Seq),
})
const Head = Type.Object({
  ...{ ...Shown, id: Text, digest: Digest, action: Text, user: Text, recordedAt: Text, reason: Nullable(Text) },
  ...{ producerName: Text, ingestedAt: Text, isShown: Type.Boolean() },
})
const Conflict = Type.Object({
  ...{ record: Seq, model: Text, pk: Text, pks: Type.Array(Text), label: Nullable(Text), heads: Type.Array(Head) },
  ...{ differs: Type.Array(Text), hiddenDiffers: Type.Boolean() },
})
const Resolution = Type.Object(
  {
    head: Digest,
    seen: Type.Array(Digest, { minItems: 2, maxItems: 64 }),
    fields: Type.Record(Type.String({ maxLength: 200 }), Type.Unknown()),
    reason: Reason,
  },
  strict,
)
const Duplicates = Type.Object({
  duplicates: Type.Array(
    Type.Object({
      ...{ model: Text, label: Nullable(Text) },
      records: Type.Array(
        Type.Object({ ...Shown, record: Seq, pk: Text, producerName: Text, user: Text, recordedAt: Text }),
      ),
    }),
  ),
  isAll: Type.Boolean(),
  merges: Type.Array(
    Type.Object({ merge: Text, model: Text, pks: Type.Array(Text), user: Text, reason: Text, decidedAt: Text }),
  ),
})
const Merge = Type.Object(
  { model: Label, pks: Type.Array(Type.String({ maxLength: 1000 }), { minItems: 2, maxItems: 100 }), reason: Reason },
  strict,
)

/** What the doors of decisions do. */
export interface DecisionVerbs {
  aside(state: Static<typeof AsideState>, after: number): Promise<Static<typeof AsideList>>
  asideChange(account: Account, digest: string): Promise<Static<typeof AsideChange>>
  retry(account: Account, digest: string, reason: string): Promise<string>
  discard(account: Account, digest: string, reason: string): Promise<string>
  conflicts(after: number): Static<typeof Conflicts>
  conflict(account: Account, record: number): Promise<Static<typeof Conflict>>
  resolve(account: Account, record: number, resolution: Static<typeof Resolution>): Promise<string>
  duplicates(account: Account): Promise<Static<typeof Duplicates>>
  merge(account: Account, merge: Static<typeof Merge>): Promise<string>
  retract(account: Account, merge: string, reason: string): Promise<string>
}

/** What waits for a person: to look at, and, for the data manager, to decide. */
export function decisionRoutes(scope: FastifyInstance, verbs: DecisionVerbs): void {
  asideRoutes(scope, verbs)
  conflictRoutes(scope, verbs)
}

function asideRoutes(scope: FastifyInstance, verbs: DecisionVerbs): void {
  const look = { right: 'aside' } as const
  scope.get<{ Querystring: Static<typeof AskedAside> }>(
    '/v1/manager/aside',
    { config: look, schema: { querystring: AskedAside, response: { 200: AsideList } } },
    async ({ query }) => verbs.aside(query.state, Number(query.after ?? 0)),
  )
  scope.get<{ Params: Static<typeof ByDigest> }>(
    '/v1/manager/aside/:digest',
    { config: look, schema: { params: ByDigest, response: { 200: AsideChange } } },
    async ({ account, params }) => verbs.asideChange(account, params.digest),
  )
  for (const act of ['retry', 'discard'] as const)
    scope.post<{ Params: Static<typeof ByDigest>; Body: Static<typeof OnlyReason> }>(
      `/v1/manager/aside/:digest/${act}`,
      { config: { right: 'decide' }, schema: { params: ByDigest, body: OnlyReason, response: { 200: Decided } } },
      async ({ account, params, body }) => ({ decision: await verbs[act](account, params.digest, body.reason) }),
    )
}

function conflictRoutes(scope: FastifyInstance, verbs: DecisionVerbs): void {
  const config = { right: 'decide' } as const
  scope.get<{ Querystring: Static<typeof After> }>(
    '/v1/manager/conflicts',
    { config, schema: { querystring: After, response: { 200: Conflicts } } },
    async ({ query }) => verbs.conflicts(Number(query.after ?? 0)),
  )
  scope.get<{ Params: Static<typeof ByRecord> }>(
    '/v1/manager/conflicts/:record',
    { config, schema: { params: ByRecord, response: { 200: Conflict } } },
    async ({ account, params }) => verbs.conflict(account, Number(params.record)),
  )
  scope.post<{ Params: Static<typeof ByRecord>; Body: Static<typeof Resolution> }>(
    '/v1/manager/conflicts/:record',
    { bodyLimit: 2_097_152, config, schema: { params: ByRecord, body: Resolution, response: { 200: Decided } } },
    async ({ account, params, body }) => ({ decision: await verbs.resolve(account, Number(params.record), body) }),
  )
  scope.get('/v1/manager/duplicates', { config, schema: { response: { 200: Duplicates } } }, async ({ account }) =>
    verbs.duplicates(account),
  )
  scope.post<{ Body: Static<typeof Merge> }>(
    '/v1/manager/merges',
    { config, schema: { body: Merge, response: { 200: Decided } } },
    async ({ account, body }) => ({ decision: await verbs.merge(account, body) }),
  )
  scope.post<{ Params: Static<typeof ByMerge>; Body: Static<typeof OnlyReason> }>(
    '/v1/manager/merges/:merge/retraction',
    { config, schema: { params: ByMerge, body: OnlyReason, response: { 200: Decided } } },
    async ({ account, params, body }) => ({ decision: await verbs.retract(account, params.merge, body.reason) }),
  )
}
