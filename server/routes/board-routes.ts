import { type Static, Type } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import { Count, DeviceId, Nonce, Nullable, Range } from '../../shared/protocol/fields.ts'
import type { Account } from '../accounts.ts'
import type { LossReport } from '../loss-report.ts'
import type { DayQuery, MissingByDay } from '../missing-by-day.ts'
import type { SkipDays } from '../skip-days.ts'

const strict = { additionalProperties: false }
const Text = Type.String()
const Day = Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\d$' })

const Meeting = Type.Object({
  ...{ by: Text, byName: Text, isHere: Type.Boolean(), at: Text, heardAt: Text, seq: Count, unsealed: Count },
})
const Loss = Type.Object({
  ...{ device: DeviceId, name: Text, role: Text, site: Nullable(Text), changesAtMost: Count, opened: Count },
  chains: Type.Array(
    Type.Object({
      ...{ chain: Nonce, missing: Type.Array(Range), numbers: Count, unsealed: Count, changesAtMost: Count },
      hereUntil: Nullable(Text),
    }),
  ),
  ...{ meetings: Type.Array(Meeting), mayBeWith: Type.Array(Text) },
})
const Days = Type.Object({
  ...{ from: Day, to: Day },
  days: Type.Array(Type.Object({ day: Day, skip: Nullable(Text), isWeekend: Type.Boolean() })),
  laptops: Type.Array(
    Type.Object({
      ...{ device: DeviceId, name: Text, site: Nullable(Text), changes: Count },
      days: Type.Array(Type.Object({ day: Day, changes: Count, state: Text })),
    }),
  ),
})
const Skip = Type.Object(
  {
    weekdays: Type.Array(Type.Integer({ minimum: 0, maximum: 6 }), { maxItems: 7, uniqueItems: true }),
    days: Type.Array(Type.Object({ day: Day, reason: Type.String({ minLength: 1, maxLength: 200 }) }, strict), {
      maxItems: 2000,
    }),
  },
  strict,
)
const ByDevice = Type.Object({ device: DeviceId }, strict)
const AskedDays = Type.Object(
  { from: Day, to: Day, model: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })) },
  strict,
)

/** What the doors of the board and the reports do. */
export interface BoardVerbs {
  loss(device: string): LossReport
  days(query: DayQuery): MissingByDay
  skipDays(): SkipDays
  setSkipDays(account: Account, next: SkipDays): void
}

/** The evening's reports: counts and days, no clinical value. */
export function boardRoutes(scope: FastifyInstance, verbs: BoardVerbs): void {
  scope.get<{ Params: Static<typeof ByDevice> }>(
    '/v1/manager/losses/:device',
    { config: { right: 'counts' }, schema: { params: ByDevice, response: { 200: Loss } } },
    async ({ params }) => verbs.loss(params.device),
  )
  scope.get<{ Querystring: Static<typeof AskedDays> }>(
    '/v1/manager/days',
    { config: { right: 'counts' }, schema: { querystring: AskedDays, response: { 200: Days } } },
    async ({ query }) => verbs.days({ ...query, model: query.model ?? null }),
  )
  scope.get('/v1/manager/skip-days', { config: { right: 'counts' }, schema: { response: { 200: Skip } } }, async () =>
    verbs.skipDays(),
  )
  scope.post<{ Body: SkipDays }>(
    '/v1/manager/skip-days',
    { bodyLimit: 1_048_576, config: { right: 'decide' }, schema: { body: Skip, response: { 200: Skip } } },
    async ({ account, body }) => {
      verbs.setSkipDays(account, body)
      return verbs.skipDays()
    },
  )
}
