import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openDatabase, type Store } from '../shared/storage/open-database.ts'
import * as schema from './schema.ts'

/** The field laptop's database. */
export type DaemonStore = Store<typeof schema>

/** Opens the field laptop's database in its data directory, migrating it. */
export function openStore(data: string): DaemonStore {
  return openDatabase(join(data, 'waybill.sqlite'), schema, fileURLToPath(new URL('./migrations', import.meta.url)))
}
