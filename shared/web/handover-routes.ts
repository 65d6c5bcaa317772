import { type Static, Type } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import type { HandoverDesk } from '../handover/desk.ts'
import { DeviceId, Label, Nonce, Nullable } from '../protocol/fields.ts'
import { LineKey, Person } from '../protocol/handover.ts'
import { PageAnswer, PageOverview, PagePeople, PageShift, PageView, pageOverview, pageView } from './handover-view.ts'

/** What a person types or scans is short; a body that is longer was not made by this page. */
const bodyLimit = 4096
const mostPeople = 12
const strict = { additionalProperties: false }

const Why = { reason: Label, text: Nullable(Label) }
const Asked = Type.Union([
  Type.Object(
    { kind: Type.Literal('scan'), read: Type.String({ minLength: 1, maxLength: 500 }), typed: Type.Boolean() },
    strict,
  ),
  Type.Object(
    { kind: Type.Literal('count'), line: LineKey, tubes: Type.Integer({ minimum: 0, maximum: 999 }) },
    strict,
  ),
  Type.Object({ kind: Type.Literal('missing'), line: LineKey, ...Why }, strict),
  Type.Object({ kind: Type.Literal('remark'), line: Nullable(LineKey), label: Nullable(Label), ...Why }, strict),
  Type.Object({ kind: Type.Literal('temperature'), celsius: Type.Number({ minimum: -200, maximum: 200 }) }, strict),
  Type.Object({ kind: Type.Literal('undo') }, strict),
])
const AskedSignature = Type.Object({ pin: Nullable(Label), agrees: Type.Boolean(), remark: Nullable(Label) }, strict)
const Begin = Type.Object({ device: DeviceId }, strict)
const Shift = Type.Object({ person: Nullable(Person) }, strict)
const Pin = Type.Object({ pin: Label, old: Nullable(Label) }, strict)
const Nothing = Type.Object({}, strict)
const ById = Type.Object({ id: Nonce }, strict)
const ByName = Type.Object({ name: Type.String({ maxLength: 200 }) }, strict)
const Begun = Type.Object({ id: Nonce })

/** What the routes of a handover need: the program's desk. */
interface AtId {
  Params: Static<typeof ById>
}

/**
 * What a person does in a handover, on the page's own door: thin, over the desk. The door has checked that the page is signed in.
 */
export function handoverRoutes(door: FastifyInstance, desk: HandoverDesk): void {
  door.get('/v1/handovers', { schema: { response: { 200: PageOverview } } }, async () => pageOverview(desk))
  door.post<{ Body: Static<typeof Begin> }>(
    '/v1/handovers',
    { bodyLimit, schema: { body: Begin, response: { 200: Begun } } },
    async ({ body }) => ({ id: desk.begin(body.device) }),
  )
  door.get<AtId>('/v1/handovers/:id', { schema: { params: ById, response: { 200: PageView } } }, async ({ params }) =>
    pageView(desk, desk.view(params.id)),
  )
  door.post<AtId & { Body: Static<typeof Asked> }>(
    '/v1/handovers/:id/acts',
    { bodyLimit, schema: { params: ById, body: Asked, response: { 200: PageAnswer } } },
    async ({ params, body }) => {
      const { told, tube, view } = desk.act(params.id, body)
      return { told, tube, view: pageView(desk, view) }
    },
  )
  door.post<AtId & { Body: Static<typeof AskedSignature> }>(
    '/v1/handovers/:id/signatures',
    { bodyLimit, schema: { params: ById, body: AskedSignature, response: { 200: PageView } } },
    async ({ params, body }) => pageView(desk, await desk.sign(params.id, body)),
  )
  door.post<AtId & { Body: Static<typeof Nothing> }>(
    '/v1/handovers/:id/closing',
    { bodyLimit, schema: { params: ById, body: Nothing, response: { 200: PageView } } },
    async ({ params }) => pageView(desk, desk.close(params.id)),
  )
  shiftRoutes(door, desk)
}

/** Who is on shift here, chosen from the study's people or by a name that was typed, and the PIN of theirs. */
function shiftRoutes(door: FastifyInstance, desk: HandoverDesk): void {
  door.get<{ Querystring: Static<typeof ByName> }>(
    '/v1/people',
    { schema: { querystring: ByName, response: { 200: PagePeople } } },
    async ({ query }) => {
      const name = query.name.trim().toLocaleLowerCase()
      const found = desk.study().people.filter((person) => person.name.toLocaleLowerCase().includes(name))
      return { people: found.slice(0, mostPeople) }
    },
  )
  door.post<{ Body: Static<typeof Shift> }>(
    '/v1/shift',
    { bodyLimit, schema: { body: Shift, response: { 200: PageShift } } },
    async ({ body }) => {
      desk.takeShift(body.person)
      return desk.shift()
    },
  )
  door.post<{ Body: Static<typeof Pin> }>(
    '/v1/pin',
    { bodyLimit, schema: { body: Pin, response: { 200: PageShift } } },
    async ({ body }) => {
      await desk.setPin(body.pin, body.old)
      return desk.shift()
    },
  )
}
