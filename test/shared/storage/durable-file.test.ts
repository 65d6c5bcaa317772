import { randomBytes } from 'node:crypto'
import {
  existsSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import t from 'tap'
import { sha256 } from '../../../shared/crypto/digest.ts'
import {
  checkStoredFile,
  digestOfFile,
  ensureDirectory,
  writeDurably,
  writeOnce,
} from '../../../shared/storage/durable-file.ts'

const directory = mkdtempSync(join(tmpdir(), 'waybill-'))
t.teardown(() => rmSync(directory, { recursive: true }))
const modeOf = (path: string) => statSync(path).mode & 0o777
let made = 0
const freshDirectory = () => {
  made += 1
  const fresh = join(directory, `${made}`)
  mkdirSync(fresh)
  return fresh
}

interface Synced {
  path: string
  stands: boolean
  isWritten: boolean
}

/** What is fsynced while `act` runs, in order: the path, whether `target` stood there then, and whether there were bytes. */
async function syncsOf(target: string, act: () => Promise<unknown>): Promise<Synced[]> {
  const handle = await open(directory, 'r')
  const prototype: FileHandle = Object.getPrototypeOf(handle)
  await handle.close()
  const { sync } = prototype
  const synced: Synced[] = []
  prototype.sync = function (this: FileHandle) {
    const path = readlinkSync(`/proc/self/fd/${this.fd}`)
    synced.push({ path, stands: existsSync(target), isWritten: fstatSync(this.fd).size > 0 })
    return sync.call(this)
  }
  try {
    await act()
  } finally {
    prototype.sync = sync
  }
  return synced
}

t.test('house rule 2: the bytes are fsynced before they have the name, and the directory after', async (t) => {
  for (const write of [writeDurably, writeOnce]) {
    const path = join(freshDirectory(), 'file')
    const [file, folder, ...more] = await syncsOf(path, () => write(path, 'bytes'))
    t.match(
      file,
      { path: /\/file\.[0-9a-f]{12}\.part$/, stands: false, isWritten: true },
      'the temporary file, while nothing has the name',
    )
    t.match(folder, { path: dirname(path), stands: true }, 'the directory, when the name stands')
    t.strictSame(more, [])
  }
})

t.test('house rule 2: directories that were made survive too, each in the one above it', async (t) => {
  const top = freshDirectory()
  const synced = await syncsOf('', () => ensureDirectory(join(top, 'a/b/c')))
  t.strictSame(new Set(synced.map(({ path }) => path)), new Set([top, join(top, 'a'), join(top, 'a/b')]))
  t.strictSame(await syncsOf('', () => ensureDirectory(join(top, 'a/b/c'))), [], 'nothing is done where it stands')
  t.equal(modeOf(join(top, 'a/b/c')), 0o750 & ~process.umask())
})

t.test('no temporary file is left, whether the write succeeds or fails', async (t) => {
  const fresh = freshDirectory()
  await writeDurably(join(fresh, 'file'), 'one')
  await writeDurably(join(fresh, 'file'), 'two')
  await writeOnce(join(fresh, 'file'), 'three')
  t.strictSame(readdirSync(fresh), ['file'])
  t.equal(readFileSync(join(fresh, 'file'), 'utf8'), 'two')
  mkdirSync(join(fresh, 'directory', 'inside'), { recursive: true })
  await t.rejects(writeDurably(join(fresh, 'directory'), 'bytes'), 'a directory stands there')
  await t.rejects(writeDurably(join(fresh, 'file', 'below'), 'bytes'), 'its directory is a file')
  t.strictSame(readdirSync(fresh).sort(), ['directory', 'file'])
})

t.test('writeOnce never replaces: of many at once one is first, and its bytes stay', async (t) => {
  const fresh = freshDirectory()
  const path = join(fresh, 'once')
  const writers = Array.from({ length: 20 }, (_, n) => writeOnce(path, `writer ${n}`))
  const first = (await Promise.all(writers)).flatMap((isFirst, n) => (isFirst ? [n] : []))
  t.equal(first.length, 1)
  t.equal(readFileSync(path, 'utf8'), `writer ${first[0]}`)
  t.equal(await writeOnce(path, 'another'), false)
  t.equal(readFileSync(path, 'utf8'), `writer ${first[0]}`)
  t.strictSame(readdirSync(fresh), ['once'])
  await t.rejects(writeOnce(join(path, 'below'), 'bytes'), 'what cannot be written is not there already')
})

t.test('a secret is readable by its owner alone, from its first byte, whatever stood there before', async (t) => {
  const fresh = freshDirectory()
  const umask = process.umask(0)
  t.teardown(() => process.umask(umask))
  const path = join(fresh, 'secret')
  writeFileSync(path, 'old', { mode: 0o644 })
  const modes: number[] = []
  await syncsOf(path, async () => {
    const writing = writeDurably(path, 'new', 0o600)
    for (const name of readdirSync(fresh)) if (name.endsWith('.part')) modes.push(modeOf(join(fresh, name)))
    await writing
  })
  t.equal(modeOf(path), 0o600)
  t.ok(modes.every((mode) => mode === 0o600))
  await writeOnce(join(fresh, 'once'), 'new', 0o600)
  t.equal(modeOf(join(fresh, 'once')), 0o600)
  await writeDurably(join(fresh, 'open'), 'new')
  t.equal(modeOf(join(fresh, 'open')), 0o644)
})

t.test('what is stored is hashed by reading it again, at any size', async (t) => {
  const fresh = freshDirectory()
  for (const size of [0, 1, 256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 1_000_000]) {
    const [bytes, path] = [randomBytes(size), join(fresh, `${size}`)]
    await writeDurably(path, bytes)
    const expected = { digest: sha256(bytes), size }
    t.strictSame(await digestOfFile(path), expected, basename(path))
    await t.resolves(checkStoredFile(path, expected))
    for (const wrong of [{ size: size + 1 }, { digest: sha256('other') }])
      await t.rejects(checkStoredFile(path, { ...expected, ...wrong }), { code: 'DIGEST_MISMATCH' })
  }
})
