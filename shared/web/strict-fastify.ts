import { type FastifyInstance, type FastifyServerOptions, fastify, LogController } from 'fastify'
import type { Logger } from '../service/logger.ts'
import { answerErrors } from './answer-errors.ts'

/**
 * A Fastify that takes nothing on trust: no coercion, no silent removal or filling in (house rule 9), errors in one form.
 * It never listens; that is main's.
 */
export function strictFastify(
  logger: Logger,
  options: FastifyServerOptions & Record<string, unknown> = {},
): FastifyInstance {
  const app = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: false } },
    ...options,
  }) as unknown as FastifyInstance
  answerErrors(app)
  return app
}
