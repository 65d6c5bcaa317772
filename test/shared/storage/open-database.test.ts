import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { asWaybillError } from '../../../shared/service/errors.ts'
import { openDatabase } from '../../../shared/storage/open-database.ts'

const directory = mkdtempSync(join(tmpdir(), 'waybill-'))
t.teardown(() => rmSync(directory, { recursive: true }))
const root = new URL('../../../', import.meta.url)
const migrations = new URL('server/migrations', root).pathname
const at = (name: string) => join(directory, name, 'store.db')
const open = (path: string) => openDatabase(path, {}, migrations).$client

t.test('house rule 8: WAL, synchronous FULL, foreign keys, secure delete, in a directory that is made', async (t) => {
  const client = open(at('one'))
  const pragmas = ['journal_mode', 'synchronous', 'foreign_keys', 'secure_delete', 'busy_timeout']
  const values = pragmas.map((name) => client.pragma(name, { simple: true }))
  t.strictSame(values, ['wal', 2, 1, 1, 15_000], pragmas.join(', '))
  t.equal(statSync(join(directory, 'one')).mode & 0o007, 0, 'nobody else looks into it')
  client.close()
  const again = open(at('one'))
  t.ok(again.prepare('SELECT count(*) FROM batches').get(), 'the tables are there, and made once')
  again.close()
})

t.test('invariant 6: what was erased is not on the disk any more', async (t) => {
  const client = open(at('erased'))
  const secret = 'a weight of 61.5 kg that nobody is to read'
  client.exec('CREATE TABLE plain (id INTEGER PRIMARY KEY, line TEXT)')
  const insert = client.prepare('INSERT INTO plain (line) VALUES (?)')
  for (let n = 0; n < 200; n += 1) insert.run(`${secret} ${n}`.repeat(10))
  client.pragma('wal_checkpoint(TRUNCATE)')
  t.ok(bytesIn('erased').includes(secret), 'it was there')
  client.exec('DELETE FROM plain')
  client.pragma('wal_checkpoint(TRUNCATE)')
  t.notOk(bytesIn('erased').includes(secret), 'and is gone')
  client.close()
})

function bytesIn(name: string): Buffer {
  const home = join(directory, name)
  return Buffer.concat(readdirSync(home).map((file) => readFileSync(join(home, file))))
}

t.test('programs that open a new directory together all find their tables', async (t) => {
  const script = `
    import { openDatabase } from ${JSON.stringify(new URL('shared/storage/open-database.ts', root).href)}
    const store = openDatabase(process.argv[1], {}, process.argv[2])
    console.log(store.$client.prepare('SELECT count(*) n FROM batches').get().n)`
  const path = at('together')
  const programs = [1, 2, 3].map(() =>
    promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, path, migrations]),
  )
  t.strictSame(
    (await Promise.all(programs)).map(({ stdout }) => stdout.trim()),
    ['0', '0', '0'],
  )
})

t.test('house rule 3: what is no database has a code that tells the operator to look at the disk', async (t) => {
  mkdirSync(at('folder'), { recursive: true })
  mkdirSync(join(directory, 'damaged'))
  writeFileSync(at('damaged'), 'x'.repeat(8192))
  for (const name of ['folder', 'damaged']) {
    const thrown = t.throws(() => open(at(name)))
    t.equal(asWaybillError(thrown).code, 'STORAGE_FAILED', name)
  }
})
