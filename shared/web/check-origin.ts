import type { FastifyRequest } from 'fastify'
import { WaybillError } from '../service/errors.ts'

/** A browser says from which site a page asks; an app says nothing. @throws FOREIGN_ORIGIN for a page of another site */
export function checkOrigin({ headers: { origin, host } }: FastifyRequest): void {
  if (origin !== undefined && origin !== `https://${host}`)
    throw new WaybillError('FOREIGN_ORIGIN', 'the Origin is not this page')
}
