import type { AppDatabase, Row, Run, Value } from '../shared/app-database/app-database.ts'
import { readFact, writeFact } from './facts.ts'
import type { FeedContext } from './feed.ts'
import { lifeOf } from './feed-cursor.ts'
import { readStates, type StateEntry } from './read-states.ts'
import { isShownNow } from './shown-now.ts'
import { cursorOf, type SinkTarget } from './sink.ts'
import { newestOfFeed } from './sink-status.ts'
import { readOrStartAgain } from './start-again.ts'

/** How far the feed went when the sink had to start again. */
const replayFact = 'sinkReplay'
const mostAtOnce = 100
const columns = [
  ...['model', 'pk', 'state', 'merged_into', 'natural_key', 'fields', 'change_id', 'digest', 'producer', 'batch'],
  ...['made_by', 'recorded_at', 'conflict'],
]

/** What the newest row of a record says. */
type Newest = Pick<StateEntry, 'state' | 'into' | 'change' | 'digest' | 'conflict'>

/** Writes the feed of states into `waybill_inbox`. */
export function recordsTarget(context: FeedContext, database: AppDatabase): SinkTarget<StateEntry> {
  return {
    name: 'states',
    read: (after) =>
      readOrStartAgain(
        context.store,
        after,
        (from) => readStates(context, from),
        () => noteReplay(context),
      ),
    write: async (run, entries) => insert(run, database, await whatIsNew(context, run, entries)),
  }
}

/**
 * Entries that say something else than the newest row of their record. While the feed is read again, one that is not shown any more is
 * left out, unless the app has never heard of the record: its children may come next.
 */
async function whatIsNew(context: FeedContext, run: Run, entries: StateEntry[]): Promise<StateEntry[]> {
  const newest = await newestRows(run, entries)
  return entries.filter((entry) => {
    const key = keyOf(entry.model, entry.pk)
    const known = newest.get(key)
    if (known && (isSame(known, entry) || (isReplay(context, entry) && !isShownNow(context.store, entry)))) return false
    newest.set(key, entry)
    return true
  })
}

/** What the app has already is not written twice, and of what came between only what counts now. */
function noteReplay({ store }: FeedContext): void {
  writeFact(store, replayFact, `${lifeOf(store)}.${newestOfFeed(store, 'states')}`)
}

function isReplay({ store }: FeedContext, { cursor }: StateEntry): boolean {
  const [life, through] = placeOf(readFact(store, replayFact) ?? '')
  const [own, position] = placeOf(cursor)
  return life === own && position <= through
}

function placeOf(cursor: string): [life: string, position: number] {
  const [life = '', position] = cursor.split('.')
  return [life, Number(position)]
}

function isSame(one: Newest, other: Newest): boolean {
  return (['state', 'into', 'change', 'digest', 'conflict'] as const).every((field) => one[field] === other[field])
}

async function newestRows(run: Run, entries: StateEntry[]): Promise<Map<string, Newest>> {
  const records = [...new Map(entries.map(({ model, pk }) => [keyOf(model, pk), [clean(model), clean(pk)]])).values()]
  const newest = new Map<string, Newest>()
  for (let start = 0; start < records.length; start += mostAtOnce) {
    const some = records.slice(start, start + mostAtOnce)
    const rows = await run(
      `SELECT model, pk, state, merged_into, change_id, digest, conflict FROM waybill_inbox WHERE position IN
       (SELECT max(position) FROM waybill_inbox WHERE ${some.map(() => '(model = ? AND pk = ?)').join(' OR ')}
        GROUP BY model, pk)`,
      some.flat(),
    )
    for (const row of rows) newest.set(keyOf(String(row.model), String(row.pk)), newestOf(row))
  }
  return newest
}

function newestOf(row: Row): Newest {
  const { state, merged_into: into, change_id: change, digest, conflict } = row
  return { state, into, change, digest, conflict: Number(conflict) === 1 } as Newest
}

async function insert(run: Run, database: AppDatabase, entries: StateEntry[]): Promise<void> {
  const head = `INSERT INTO waybill_inbox (${cursorOf(database)}, ${columns.join(', ')}) VALUES`
  const row = `(?, ${columns.map(() => '?').join(', ')})`
  for (let start = 0; start < entries.length; start += mostAtOnce) {
    const some = entries.slice(start, start + mostAtOnce)
    await run(`${head} ${some.map(() => row).join(', ')}`, some.flatMap(valuesOf))
  }
}

function valuesOf(entry: StateEntry): Value[] {
  const { cursor, model, pk, state, into, naturalKey, fields, change, digest, producer, batch, user, recordedAt } =
    entry
  const texts = [cursor, model, pk, state, into, JSON.stringify(naturalKey), JSON.stringify(fields), change]
  return [...[...texts, digest, producer, batch, user, recordedAt].map(clean), entry.conflict ? 1 : 0]
}

/** PostgreSQL's text holds no character of number 0; in JSON it is spelled otherwise. */
function clean<T extends string | null>(text: T): T {
  return (text === null ? null : text.replaceAll('\0', '\ufffd')) as T
}

function keyOf(model: string, pk: string): string {
  return JSON.stringify([clean(model), clean(pk)])
}
