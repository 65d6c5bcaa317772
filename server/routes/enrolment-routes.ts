import type { FastifyInstance } from 'fastify'
import { type EnrolmentAnswer, EnrolmentRequest } from '../../shared/protocol/enrolment.ts'
import { paths } from '../../shared/protocol/paths.ts'

/** The one door that asks for no credential. */
export function enrolmentRoutes(
  door: FastifyInstance,
  redeem: (request: EnrolmentRequest) => Promise<EnrolmentAnswer>,
): void {
  door.post<{ Body: EnrolmentRequest }>(paths.enrolment, { schema: { body: EnrolmentRequest } }, async (request) =>
    redeem(request.body),
  )
}
