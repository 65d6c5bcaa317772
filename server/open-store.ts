import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openDatabase, type Store } from '../shared/storage/open-database.ts'
import * as schema from './schema.ts'

/** The server's database. */
export type ServerStore = Store<typeof schema>

/** Opens the server's database in its data directory, migrating it. */
export function openStore(data: string): ServerStore {
  return openDatabase(join(data, 'waybill.sqlite'), schema, fileURLToPath(new URL('./migrations', import.meta.url)))
}
