import { Type } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import { Count } from '../../shared/protocol/fields.ts'
import { LineKey } from '../../shared/protocol/handover.ts'
import { OrNull } from '../../shared/web/page-schema.ts'
import type { WaitingTube } from '../waiting-tubes.ts'

const Text = OrNull(Type.String())
const Waiting = Type.Object({
  total: Count,
  tubes: Type.Array(
    Type.Object({
      ...{ line: LineKey, label: Type.String(), subject: Text, panel: Text, specimenType: Text },
      ...{ tubes: OrNull(Count), drawnAt: Text, minutesLeft: OrNull(Type.Integer()), doubtful: Type.Boolean() },
    }),
  ),
})

/** `GET /v1/tubes`: what waits here for a driver; on the assistant's page door, which has checked the bearer. */
export function tubeRoutes(door: FastifyInstance, waiting: () => { total: number; tubes: WaitingTube[] }): void {
  door.get('/v1/tubes', { schema: { response: { 200: Waiting } } }, async () => waiting())
}
