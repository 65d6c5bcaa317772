import { hash } from 'node:crypto'

/**
 * By what a change's id is found: 48 bits of its sha-256, as a number that SQLite keeps in six bytes. Two ids may share it; whoever
 * looks up compares the rest.
 */
export function idHash(id: string): number {
  return hash('sha256', id, 'buffer').readIntBE(0, 6)
}
