import type { Database } from 'better-sqlite3'

/**
 * One transaction that a power cut may take back, without the wait for an fsync: for what promises nothing to anyone. The next one
 * that promises something makes it durable as well.
 */
export function commitWithoutSync<T>(client: Database, act: () => T): T {
  client.exec('PRAGMA synchronous = NORMAL')
  try {
    return client.transaction(act).immediate()
  } finally {
    client.exec('PRAGMA synchronous = FULL')
  }
}
