import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openDatabase, type Store } from '../shared/storage/open-database.ts'
import * as schema from './schema.ts'

/** The field laptop's database. */
export type DaemonStore = Store<typeof schema>

/** A form takes one to four KiB: half of a smaller page stands empty, and is logged, written and erased with the rest. */
const pageBytes = 8192

/** Opens the field laptop's database in its data directory, migrating it. */
export function openStore(data: string): DaemonStore {
  const migrations = fileURLToPath(new URL('./migrations', import.meta.url))
  return openDatabase(join(data, 'waybill.sqlite'), schema, migrations, pageBytes)
}
