import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import canonicalize from 'canonicalize'
import { type AppDatabase, placeholders, type Run, type Value } from '../shared/app-database/app-database.ts'
import { sha256 } from '../shared/crypto/digest.ts'
import { Change } from '../shared/protocol/change.ts'
import type { Clock } from '../shared/service/clock.ts'
import { type FeedContext, type FeedEntry, readFeed } from './feed.ts'
import type { SinkTarget } from './sink.ts'
import { readOrStartAgain } from './start-again.ts'

const table = 'django_collect_offline_incomingtransaction'
const mostAtOnce = 100
const actions = { insert: 'I', update: 'U', delete: 'D' } as const
const columns = [
  ...['id', 'tx', 'tx_name', 'tx_pk', 'producer', 'action', 'timestamp', 'batch_id', 'is_ignored', 'is_error'],
  ...['is_consumed', 'is_self', 'created', 'modified', 'user_created', 'user_modified', 'hostname_created'],
  ...['hostname_modified', 'device_created', 'device_modified'],
]

/** A site that this database does not have is left open. */
const site = '(SELECT id FROM django_site WHERE id = ?)'
const largestSite = 2_147_483_647

/** What a laptop took from `OutgoingTransaction`, as far as the old table's columns take it. */
const Transaction = Type.Object({
  ...Change.properties,
  model: Type.String({ maxLength: 64 }),
  pk: Type.String({ pattern: '^[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}$' }),
  opaque: Type.String(),
  fields: Type.Object({ timestamp: Type.String({ maxLength: 50 }), producer: Type.String({ maxLength: 200 }) }),
})
const check = TypeCompiler.Compile(Transaction)

/** A row to be. */
interface Incoming {
  /** Made of all that the transaction says: it is the same whenever the feed starts again. */
  id: string
  transaction: Static<typeof Transaction>
  batch: string
}

/**
 * Transport only: writes each opaque change, as it is, into django-collect-offline's `IncomingTransaction`, which the old app consumes as
 * ever. No conflict rule is applied, and what is not opaque is left out.
 */
export function transactionsTarget(
  context: FeedContext & { clock: Clock },
  database: AppDatabase,
): SinkTarget<FeedEntry> {
  return {
    name: 'changes',
    read: (after) =>
      readOrStartAgain(
        context.store,
        after,
        (from) => readFeed(context, from),
        () => undefined,
      ),
    write: async (run, entries) => {
      const all = entries.flatMap(incomingOf)
      for (let start = 0; start < all.length; start += mostAtOnce)
        await insert(run, database, all.slice(start, start + mostAtOnce), context.clock.now())
    },
  }
}

function incomingOf({ change, batch }: FeedEntry): Incoming[] {
  if (!check.Check(change)) return []
  return [{ id: sha256(String(canonicalize(change))).slice(0, 32), transaction: change, batch }]
}

async function insert(run: Run, database: AppDatabase, some: Incoming[], now: Date): Promise<void> {
  const ids = some.map(({ id }) => id)
  const there = await run(`SELECT id FROM ${table} WHERE id IN (${placeholders(ids)})`, ids)
  const known = new Set(there.map(({ id }) => String(id).replaceAll('-', '')))
  const rows = some.filter(({ id }) => !known.has(id)).map((one) => valuesOf(one, timeIn(database, now)))
  if (rows.length === 0) return
  const marks = rows.map((row) => `(${placeholders(row.slice(1))}, ${site})`).join(', ')
  await run(`INSERT INTO ${table} (${columns.join(', ')}, site_id) VALUES ${marks}`, rows.flat())
}

/** In the order of the columns, and the site. What the old app would fill in about its own host is not known here. */
function valuesOf({ id, transaction, batch }: Incoming, now: string): Value[] {
  const { opaque, model, pk, fields, action, user } = transaction
  const tx = Buffer.from(opaque, 'base64')
  const about = [clean(model), pk.replaceAll('-', ''), clean(fields.producer), actions[action], clean(fields.timestamp)]
  const by = clean(user).slice(0, 50)
  const at = /^\d{1,10}$/.test(transaction.site ?? '') ? Number(transaction.site) : null
  const known = at !== null && at <= largestSite ? at : null
  return [id, tx, ...about, batch, false, false, false, false, now, now, by, by, '', '', '', '', known]
}

/** As Django writes it, in UTC. */
function timeIn({ dialect }: AppDatabase, now: Date): string {
  const text = now.toISOString().replace('T', ' ').replace('Z', '')
  return dialect === 'postgresql' ? `${text}+00` : text
}

/** PostgreSQL's text holds no character of number 0. */
function clean(text: string): string {
  return text.replaceAll('\0', '\ufffd')
}
