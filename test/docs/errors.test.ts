import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { asWaybillError, errorCodes, isErrorCode, WaybillError } from '../../shared/service/errors.ts'

const root = new URL('../../', import.meta.url)
const manual = readFileSync(new URL('docs/ERRORS.md', root), 'utf8')
const rows = manual
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, code = '', status, meaning = '', hint]) => ({ code: code.replaceAll('`', ''), status, meaning, hint }))

t.test('house rule 3: the manual has every code of the program, and no other, each once and in order', async (t) => {
  const codes = Object.keys(errorCodes).sort()
  t.strictSame(
    rows.map(({ code }) => code),
    codes,
  )
})

t.test('house rule 3: the manual says what the program says: the same status and the same hint', async (t) => {
  for (const { code, status, meaning, hint } of rows) {
    if (!isErrorCode(code)) continue
    t.strictSame({ status, hint }, { status: `${errorCodes[code].status}`, hint: errorCodes[code].hint }, code)
    t.match(meaning, /^[A-Z].{20,}\.$/, `${code}: what it means, in a sentence`)
    t.match(hint, /^[A-Z].{10,}[.]$/, `${code}: what to do, in a sentence`)
  }
})

t.test('no code is there for nothing: a program raises it, or makes it of a system error', async (t) => {
  const folders = ['commands', 'daemon', 'relay', 'server', 'shared', 'study']
  const sources = folders.flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(new URL(`${folder}/${name}`, root), 'utf8')),
  )
  // The quoted code; in the table itself it is a name without quotes.
  for (const code of Object.keys(errorCodes))
    t.ok(
      sources.some((text) => text.includes(`'${code}'`)),
      code,
    )
})

t.test('an error carries its code, its status, its hint and its cause', async (t) => {
  const cause = new Error('below')
  const error = new WaybillError('LOCKED', 'another one runs', { cause })
  const { status, hint } = errorCodes.LOCKED
  t.match(error, { code: 'LOCKED', message: 'another one runs', status, hint, cause, name: 'WaybillError' })
  t.equal(asWaybillError(error), error, 'one that has a code keeps it')
})

t.test('errors of the system become codes: what an operator can mend is no fault of the program', async (t) => {
  const system: Record<string, string> = {
    EADDRINUSE: 'ADDRESS_IN_USE',
    ENOSPC: 'DISK_FULL',
    EDQUOT: 'DISK_FULL',
    SQLITE_FULL: 'DISK_FULL',
    EIO: 'STORAGE_FAILED',
    EROFS: 'STORAGE_FAILED',
    EACCES: 'STORAGE_FAILED',
    SQLITE_IOERR: 'STORAGE_FAILED',
    SQLITE_IOERR_FSYNC: 'STORAGE_FAILED',
    SQLITE_CORRUPT_INDEX: 'STORAGE_FAILED',
    SQLITE_NOTADB: 'STORAGE_FAILED',
    SQLITE_READONLY_DBMOVED: 'STORAGE_FAILED',
    SQLITE_CANTOPEN: 'STORAGE_FAILED',
    SQLITE_CONSTRAINT_UNIQUE: 'UNEXPECTED',
    ENOENT: 'UNEXPECTED',
    constructor: 'UNEXPECTED',
  }
  for (const [code, expected] of Object.entries(system)) {
    const thrown = Object.assign(new Error('what the system said'), { code })
    t.match(asWaybillError(thrown), { code: expected, message: 'what the system said', cause: thrown }, code)
  }
  for (const thrown of ['text', undefined, null, 7, { code: 'ENOSPC' }])
    t.equal(asWaybillError(thrown).code, 'UNEXPECTED', String(thrown))
})

t.test('what another side names is a code only if it is in the table', async (t) => {
  t.ok(isErrorCode('LOCKED'))
  for (const code of ['locked', 'constructor', 'toString', '__proto__', '', undefined, 7, ['LOCKED']])
    t.notOk(isErrorCode(code), String(code))
})
