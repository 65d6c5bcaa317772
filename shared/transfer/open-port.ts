import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { asWaybillError, WaybillError } from '../service/errors.ts'

/** Opens a door and tells its port; 0 takes a free one. @throws ADDRESS_IN_USE naming the port */
export async function openPort(door: FastifyInstance, port: number, host: string): Promise<number> {
  try {
    await door.listen({ port, host })
  } catch (error) {
    const { code, message } = asWaybillError(error)
    throw new WaybillError(code, `port ${port}: ${message}`, { cause: error })
  }
  return (door.server.address() as AddressInfo).port
}
