import { sha256 } from '../shared/crypto/digest.ts'

const digits = 12
const values = 2 ** 48

/**
 * By what a change's id is found: the first 48 bits of its sha-256, as a signed number that SQLite keeps in six bytes. Two ids may share
 * it; whoever looks up compares the rest.
 */
export function idHash(id: string): number {
  // By way of its hex digits, since a Buffer for each digest costs five times as much as the digest does.
  const hash = Number.parseInt(sha256(id).slice(0, digits), 16)
  return hash < values / 2 ? hash : hash - values
}
