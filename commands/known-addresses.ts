import { readFact } from '../server/facts.ts'
import { ownAddresses } from '../server/own-addresses.ts'
import { ports } from '../shared/protocol/paths.ts'
import type { OpenedServer } from './open-server.ts'

/** Where the program last listened; before it ever ran, its usual port on this machine's addresses. */
export function knownAddresses({ store }: OpenedServer): string[] {
  const known = readFact(store, 'addresses')
  return known === undefined ? ownAddresses(ports.server, []) : JSON.parse(known)
}
