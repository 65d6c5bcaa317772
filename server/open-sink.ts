import { readAppDatabaseUrl, withPasswordFile } from '../shared/app-database/app-database-url.ts'
import { openAppDatabase } from '../shared/app-database/open-app-database.ts'
import type { ServerConfig } from './config.ts'
import type { FeedContext } from './feed.ts'
import { RunningSink, type SinkContext } from './run-sink.ts'
import { recordsTarget } from './sink-records.ts'
import { noteSink } from './sink-status.ts'
import { transactionsTarget } from './sink-transactions.ts'

/** Starts the sink that the settings name; undefined where they name no database of an app. @throws BAD_CONFIG */
export function openSink(
  { appDatabase, appDatabasePasswordFile, appInbox }: ServerConfig,
  context: SinkContext & FeedContext,
): RunningSink | undefined {
  if (appDatabase === '') {
    noteSink(context.store, null)
    return undefined
  }
  const database = openAppDatabase(withPasswordFile(readAppDatabaseUrl(appDatabase), appDatabasePasswordFile))
  if (appInbox === 'waybill') return new RunningSink(context, database, recordsTarget(context, database))
  return new RunningSink(context, database, transactionsTarget(context, database))
}
