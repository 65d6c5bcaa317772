import type { FastifyError, FastifyInstance } from 'fastify'
import { asWaybillError, WaybillError } from '../service/errors.ts'

/** Answers every error as {code, message, hint} with its status; logs those that the operator must know of. */
export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler((thrown: FastifyError, request, reply) => {
    const error = edgeError(thrown)
    if (error.status >= 500) request.log.error({ err: thrown, code: error.code }, error.message)
    else request.log.info({ code: error.code }, error.message)
    return reply.status(error.status).send({ ...refusalOf(error), hint: error.hint })
  })
  app.setNotFoundHandler((_request, reply) => {
    const error = new WaybillError('NOT_FOUND', 'there is no such door')
    return reply.status(error.status).send({ code: error.code, message: error.message, hint: error.hint })
  })
}

/** What a peer is told of an error: a fault of the program is the operator's alone to read. */
export function refusalOf({ code, message }: WaybillError): { code: string; message: string } {
  return { code, message: code === 'UNEXPECTED' ? 'a fault of the program' : message }
}

function edgeError(thrown: FastifyError): WaybillError {
  if (thrown.validation) return new WaybillError('BAD_REQUEST', thrown.message, { cause: thrown })
  if (thrown.statusCode === 413)
    return new WaybillError('TOO_LARGE', 'the body is larger than this door takes', { cause: thrown })
  if (thrown.statusCode !== undefined && thrown.statusCode < 500 && !(thrown instanceof WaybillError))
    return new WaybillError('BAD_REQUEST', thrown.message, { cause: thrown })
  return asWaybillError(thrown)
}
