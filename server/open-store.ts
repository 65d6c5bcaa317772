import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openDatabase, type Store } from '../shared/storage/open-database.ts'
import * as schema from './schema.ts'

/** The server's database. */
export type ServerStore = Store<typeof schema>

/** Changes come under random keys: a page is written back once for many commits. The log stays below 32 MiB or so. */
const checkpointPages = 6000

/** Opens the server's database in its data directory, migrating it. */
export function openStore(data: string): ServerStore {
  const migrations = fileURLToPath(new URL('./migrations', import.meta.url))
  const store = openDatabase(join(data, 'waybill.sqlite'), schema, migrations)
  store.$client.pragma(`wal_autocheckpoint = ${checkpointPages}`)
  return store
}
