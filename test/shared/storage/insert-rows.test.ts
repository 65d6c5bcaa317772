import Database from 'better-sqlite3'
import t from 'tap'
import { insertRows } from '../../../shared/storage/insert-rows.ts'

const table =
  'CREATE TABLE things (number INTEGER PRIMARY KEY, name TEXT NOT NULL, size INTEGER); CREATE INDEX by_name ON things (name)'
const columns = ['name', 'size']

function valuesOf(count: number): unknown[] {
  return Array.from({ length: count }, (_, index) => [`thing ${index}`, index]).flat()
}

t.test('rows are numbered one after the other, however many there are', async (t) => {
  const client = new Database(':memory:')
  t.teardown(() => client.close())
  client.exec(table)
  client.prepare('INSERT INTO things VALUES (6, ?, ?)').run('before', 1)
  let next = 7
  for (const count of [0, 1, 19, 20, 21, 40, 333]) {
    const first = insertRows(client, 'things', columns, valuesOf(count))
    if (count > 0) t.equal(first, next, `${count} rows`)
    const stored = client.prepare('SELECT name, size FROM things WHERE number >= ? ORDER BY number').raw().all(next)
    t.same(stored.flat(), valuesOf(count))
    next += count
  }
})

t.test('where one row is refused, the transaction keeps none', async (t) => {
  const client = new Database(':memory:')
  t.teardown(() => client.close())
  client.exec(table)
  const values = [...valuesOf(15), null, 1, ...valuesOf(30)]
  const insert = client.transaction(() => insertRows(client, 'things', columns, values))
  t.throws(() => insert.immediate(), { code: 'SQLITE_CONSTRAINT_NOTNULL' })
  t.equal(client.prepare('SELECT count(*) FROM things').pluck().get(), 0)
})
