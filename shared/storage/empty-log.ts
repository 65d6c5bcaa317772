import type { Database } from 'better-sqlite3'

/**
 * Erased text must not linger in the write-ahead log. Nobody waits for it: @returns false where another program reads, and it is to
 * be done again later.
 */
export function emptyLog(client: Database): boolean {
  const waitMs = Number(client.pragma('busy_timeout', { simple: true }))
  client.pragma('busy_timeout = 0')
  try {
    const [outcome] = client.pragma('wal_checkpoint(TRUNCATE)') as Array<{ busy: number }>
    return outcome?.busy === 0
  } finally {
    client.pragma(`busy_timeout = ${waitMs}`)
  }
}
