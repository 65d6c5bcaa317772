import { type Static, Type } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import { Count, DeviceId } from '../../shared/protocol/fields.ts'
import { OrNull } from '../../shared/web/page-schema.ts'
import type { FoundLines, LineQuery } from '../find-lines.ts'

const Text = Type.String({ maxLength: 100 })
const Query = Type.Object(
  {
    ...{ text: Text, subject: Text, requisition: Text, specimen: Text },
    laptop: Type.Union([Type.Literal(''), DeviceId]),
    date: Type.String({ pattern: '^(\\d{4}-\\d\\d-\\d\\d)?$' }),
    confirmed: Type.Union([Type.Literal(''), Type.Literal('yes'), Type.Literal('no')]),
    page: Type.String({ pattern: '^[1-9]\\d{0,5}$' }),
  },
  { additionalProperties: false },
)

const Shown = OrNull(Type.String())
const Found = Type.Object({
  ...{ total: Count, page: Count, pages: Count },
  lines: Type.Array(
    Type.Object({
      ...{ device: DeviceId, laptop: Type.String(), requisition: Shown, subject: Shown, panel: Shown },
      ...{ specimenType: Shown, tubes: Shown, isDrawn: Shown, drawnAt: Shown, confirmed: Type.Boolean() },
    }),
  ),
  laptops: Type.Array(Type.Object({ device: DeviceId, name: Type.String() })),
})

/** `GET /v1/lines`: the lines of all laptops, searched, a page at a time; on the driver's page door, which has checked the bearer. */
export function lineRoutes(door: FastifyInstance, find: (query: LineQuery) => FoundLines): void {
  door.get<{ Querystring: Static<typeof Query> }>(
    '/v1/lines',
    { schema: { querystring: Query, response: { 200: Found } } },
    async ({ query }) => find({ ...query, page: Number(query.page) }),
  )
}
