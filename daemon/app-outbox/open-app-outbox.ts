import type { AppDatabase, Dialect } from '../../shared/app-database/app-database.ts'
import { readAppDatabaseUrl, withPasswordFile } from '../../shared/app-database/app-database-url.ts'
import { openAppDatabase } from '../../shared/app-database/open-app-database.ts'
import type { DaemonConfig } from '../config.ts'
import { AppOutboxReader, type ReaderContext } from './app-outbox-reader.ts'
import type { AppTable } from './app-table.ts'
import { CollectOfflineTable } from './collect-offline-table.ts'
import { MariadbTable } from './mariadb-table.ts'
import { PostgresqlTable } from './postgresql-table.ts'
import { SqliteTable } from './sqlite-table.ts'

/** The reader of the app's table, with what ends it. */
export interface OpenedAppOutbox {
  reader: AppOutboxReader
  close(): Promise<void>
}

const tables: Record<Dialect, new (app: AppDatabase) => AppTable> = {
  postgresql: PostgresqlTable,
  mariadb: MariadbTable,
  sqlite: SqliteTable,
}

/**
 * Opens the table that the settings name; undefined where they name none.
 * @param through what stands between it and the database
 * @throws BAD_CONFIG
 */
export function openAppOutbox(
  { appDatabase, appDatabasePasswordFile, appOutbox, recording }: DaemonConfig,
  context: Omit<ReaderContext, 'table' | 'database' | 'recording'>,
  through: (app: AppDatabase) => AppDatabase = (app) => app,
): OpenedAppOutbox | undefined {
  if (appDatabase === '') return undefined
  const app = through(openAppDatabase(withPasswordFile(readAppDatabaseUrl(appDatabase), appDatabasePasswordFile)))
  const table = tableOf(app, appOutbox)
  const reader = new AppOutboxReader({ ...context, table, database: app.place, recording })
  return { reader, close: () => app.close() }
}

/** The app's table of this kind, in the database's own dialect. */
export function tableOf(app: AppDatabase, kind: DaemonConfig['appOutbox']): AppTable {
  return kind === 'waybill' ? new tables[app.dialect](app) : new CollectOfflineTable(app)
}
