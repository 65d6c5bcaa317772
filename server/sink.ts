import type { AppDatabase, Run } from '../shared/app-database/app-database.ts'

/** A feed of this server, and how what it tells is written into a table of the app's own database. */
export interface SinkTarget<Entry extends { cursor: string }> {
  /** Its row in `waybill_position`. */
  name: 'states' | 'changes'
  /** @throws CURSOR_FOREIGN where the server was restored and cannot say what the app has; as the feed does */
  read(after: string): AsyncGenerator<Entry>
  /** Writes these entries, those that are not there. It is called within the transaction that moves the position. */
  write(run: Run, entries: Entry[]): Promise<void>
}

/** How far a sink has come, and whether there may be more. */
export interface Sunk {
  cursor: string
  isEnd: boolean
}

const mostEntries = 500
const mostCharacters = 4 * 1_048_576

/**
 * Writes what comes next into the app's database: rows and position in one transaction of that database, so that each entry is there
 * exactly once, whatever is killed where (invariant 2). Of two sinks that write at once the second finds the position moved and
 * writes nothing.
 * @throws APP_DATABASE_AWAY, APP_DATABASE_BUSY, APP_DATABASE_FAILED; as the feed does
 */
export async function sinkNext<Entry extends { cursor: string }>(
  database: AppDatabase,
  target: SinkTarget<Entry>,
): Promise<Sunk> {
  const at = await positionIn(database, target.name)
  const entries = await nextPage(target.read(at))
  const last = entries.at(-1)?.cursor
  if (last === undefined) return { cursor: at, isEnd: true }
  return database.transaction(async (run) => {
    const now = await lockedPosition(run, database, target.name)
    if (now !== at) return { cursor: now, isEnd: false }
    await target.write(run, entries)
    await run(`UPDATE waybill_position SET ${cursorOf(database)} = ? WHERE name = ?`, [last, target.name])
    return { cursor: last, isEnd: false }
  })
}

/** `cursor` is a word of MariaDB's. */
export function cursorOf({ dialect }: Pick<AppDatabase, 'dialect'>): string {
  return dialect === 'mariadb' ? '`cursor`' : 'cursor'
}

async function positionIn(database: AppDatabase, name: string): Promise<string> {
  const select = `SELECT ${cursorOf(database)} AS at FROM waybill_position WHERE name = ?`
  const [row] = await database.query(select, [name])
  if (row) return String(row.at)
  const [begin, end] = database.dialect === 'mariadb' ? ['INSERT IGNORE', ''] : ['INSERT', ' ON CONFLICT DO NOTHING']
  await database.query(`${begin} INTO waybill_position (name, ${cursorOf(database)}) VALUES (?, ?)${end}`, [name, ''])
  return ''
}

/** SQLite's transaction is the only writer from its beginning. */
async function lockedPosition(run: Run, database: AppDatabase, name: string): Promise<string> {
  const lock = database.dialect === 'sqlite' ? '' : ' FOR UPDATE'
  const [row] = await run(`SELECT ${cursorOf(database)} AS at FROM waybill_position WHERE name = ?${lock}`, [name])
  return String(row?.at)
}

/** As many entries as one transaction takes; memory does not grow with what waits (invariant 10). */
async function nextPage<Entry>(feed: AsyncGenerator<Entry>): Promise<Entry[]> {
  const entries: Entry[] = []
  let characters = 0
  for await (const entry of feed) {
    entries.push(entry)
    characters += JSON.stringify(entry).length
    if (entries.length >= mostEntries || characters >= mostCharacters) break
  }
  return entries
}
