import { Type } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import { paths } from '../../shared/protocol/paths.ts'
import { addressOf } from '../../shared/transfer/peer-door.ts'

const Knock = Type.Object(
  { v: Type.Literal(1), port: Type.Integer({ minimum: 1, maximum: 65_535 }) },
  { additionalProperties: false },
)

/** "I am here": the relay then meets the caller at the address it called from. */
export function knockRoute(door: FastifyInstance, heard: (host: string, port: number) => void): void {
  door.post<{ Body: { v: 1; port: number } }>(
    paths.knock,
    { schema: { body: Knock }, bodyLimit: 1024 },
    async (request, reply) => {
      heard(addressOf(request), request.body.port)
      return reply.status(204).send()
    },
  )
}
