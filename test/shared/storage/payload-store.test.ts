import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { sha256 } from '../../../shared/crypto/digest.ts'
import { asWaybillError } from '../../../shared/service/errors.ts'
import { checkStoredFile, writeDurably } from '../../../shared/storage/durable-file.ts'
import { PayloadStore } from '../../../shared/storage/payload-store.ts'

const seed = 20261124
const directory = mkdtempSync(join(tmpdir(), 'waybill-'))
t.teardown(() => rmSync(directory, { recursive: true }))
let made = 0
const freshStore = () => {
  made += 1
  return new PayloadStore(join(directory, `${made}`))
}
const bytes = randomBytes(100_000)
const [digest, size] = [sha256(bytes), bytes.length]

/** A source that gives these bytes in pieces, and then breaks if it is told to. */
async function* pieces(given: Uint8Array, length: number, breaks = false) {
  for (let at = 0; at < given.length; at += length) {
    await new Promise(setImmediate)
    yield given.subarray(at, at + length)
  }
  if (breaks) throw new Error('the cable is out')
}

t.test('house rule 2: own bytes are stored under their digest; a repeat changes nothing', async (t) => {
  const store = freshStore()
  t.strictSame(await store.put(bytes), { digest, size })
  t.strictSame(await store.put(bytes), { digest, size })
  t.ok((await store.read(digest)).equals(bytes))
  t.ok(await store.has(digest))
  t.equal(await store.partial(digest), 0, 'nothing is left beside it')
  t.strictSame(await store.put(Buffer.alloc(0)), { digest: sha256(''), size: 0 }, 'no bytes are bytes too')
  await t.rejects(store.read(sha256('x')), { code: 'NOT_FOUND' })
})

t.test('no name from outside reaches the disk but 64 hex digits', async (t) => {
  const store = freshStore()
  const names = [
    '',
    '..',
    '../../etc/passwd',
    `${digest}/..`,
    `${digest}.part`,
    digest.toUpperCase(),
    `${digest}\n`,
    `${'../'.repeat(21)}x`,
  ]
  for (const name of names) {
    t.throws(() => store.pathOf(name), { code: 'BAD_REQUEST' }, JSON.stringify(name))
    await t.rejects(store.receive(name, size, 0, [bytes]), { code: 'BAD_REQUEST' })
    await t.rejects(store.remove(name), { code: 'BAD_REQUEST' })
  }
})

t.test(
  'invariant 4: a program killed before the name was given leaves no payload, and goes on from there',
  async (t) => {
    const store = freshStore()
    await store.put(Buffer.from('so that the directories stand'))
    const file = join(directory, 'bytes')
    writeFileSync(file, bytes)
    const script = `
    import { readFileSync } from 'node:fs'
    import { PayloadStore } from ${JSON.stringify(new URL('../../../shared/storage/payload-store.ts', import.meta.url).href)}
    async function* stuck() {
      yield readFileSync(process.env.FILE)
      process.stdout.write('all bytes are written')
      process.stdin.resume()
      await new Promise(() => undefined)
    }
    await new PayloadStore(process.env.STORE).receive(process.env.DIGEST, Number(process.env.SIZE), 0, stuck())`
    const environment = {
      STORE: join(directory, `${made}`),
      DIGEST: digest,
      SIZE: `${size}`,
      FILE: file,
    }
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...process.env, ...environment },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    t.equal(await store.has(digest), false, 'not while it is written')
    child.kill('SIGKILL')
    await once(child, 'exit')
    t.equal(await store.has(digest), false, 'nor after the kill')
    await t.rejects(store.read(digest), { code: 'NOT_FOUND' })
    t.equal(await store.partial(digest), size, 'what came is there')
    await store.receive(digest, size, size, [])
    t.ok((await store.read(digest)).equals(bytes), 'and is hashed before it counts')
  },
)

t.test('a receive that broke goes on where it broke', async (t) => {
  const store = freshStore()
  await t.rejects(store.receive(digest, size, 0, pieces(bytes.subarray(0, 40_000), 7000, true)), {
    message: 'the cable is out',
  })
  t.equal(await store.partial(digest), 40_000)
  await t.rejects(store.receive(digest, size, 40_000, pieces(bytes.subarray(40_000, 60_000), 7000)), {
    code: 'PEER_UNREACHABLE',
  })
  t.equal(await store.has(digest), false)
  const again = pieces(bytes.subarray(30_000, 50_000), 7000, true)
  await t.rejects(store.receive(digest, size, 30_000, again), { message: 'the cable is out' })
  t.equal(await store.partial(digest), 50_000, 'what was beyond the place is not trusted')
  await store.receive(digest, size, 30_000, pieces(bytes.subarray(30_000), 7000))
  t.ok((await store.read(digest)).equals(bytes), 'also from an earlier place than it broke at')
})

t.test('bytes that are not those of the digest get no name, and the part is dropped', async (t) => {
  const store = freshStore()
  const wrong = Buffer.from(bytes)
  wrong[50_000] = (wrong[50_000] ?? 0) ^ 1
  await t.rejects(store.receive(digest, size, 0, [wrong]), { code: 'DIGEST_MISMATCH' })
  t.strictSame([await store.has(digest), await store.partial(digest)], [false, 0])
  await t.rejects(store.receive(digest, size, 0, pieces(wrong.subarray(0, 60_000), 9000, true)), {
    message: 'the cable is out',
  })
  await t.rejects(
    store.receive(digest, size, 60_000, [bytes.subarray(60_000)]),
    { code: 'DIGEST_MISMATCH' },
    'a bad first half',
  )
  t.strictSame([await store.has(digest), await store.partial(digest)], [false, 0])
  await t.rejects(
    store.receive(digest, size, 0, [bytes, Buffer.from('x')]),
    { code: 'TOO_LARGE' },
    'sizes are declared',
  )
  t.equal(await store.has(digest), false)
  await store.remove(digest)
  const gone = { code: 'DIGEST_MISMATCH', message: /go on from/ }
  await t.rejects(
    store.receive(digest, size, 70_000, [bytes.subarray(70_000)]),
    gone,
    'the part is gone: from the first byte again',
  )
  await store.receive(digest, size, 0, [bytes])
  t.ok((await store.read(digest)).equals(bytes))
})

t.test(
  'invariant 2: couriers that bring one payload at once, in any pieces, breaking anywhere, make one whole file',
  async (t) => {
    const courier = fc.record({
      end: fc.nat(size),
      length: fc.integer({ min: 500, max: 60_000 }),
      breaks: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(courier, { minLength: 2, maxLength: 5 }), async (couriers) => {
        const store = freshStore()
        const bringing = couriers.map(({ end, length, breaks }) =>
          store.receive(digest, size, 0, pieces(bytes.subarray(0, breaks ? end : size), length, breaks)),
        )
        const outcomes = await Promise.allSettled(bringing)
        const isWhole = couriers.some(({ breaks }) => !breaks)
        if ((await store.has(digest)) !== isWhole) return false
        if (isWhole) return (await store.read(digest)).equals(bytes) && (await store.partial(digest)) === 0
        return outcomes.every(({ status }) => status === 'rejected')
      }),
      { seed, numRuns: 40 },
    )
    t.pass(`seed ${seed}`)
  },
)

t.test('bytes that change on the disk are found, and replaced when they are brought again', async (t) => {
  const store = freshStore()
  const path = store.pathOf((await store.put(bytes)).digest)
  const damages: Record<string, () => void> = {
    'a flipped bit': () => {
      const stored = readFileSync(path)
      stored[99] = (stored[99] ?? 0) ^ 4
      writeFileSync(path, stored)
    },
    'a shorter file': () => truncateSync(path, size - 1),
    'an empty file': () => truncateSync(path, 0),
    'a longer file': () => writeFileSync(path, Buffer.concat([bytes, Buffer.from('x')])),
  }
  for (const [what, damage] of Object.entries(damages)) {
    damage()
    await t.rejects(checkStoredFile(path, { digest, size }), { code: 'DIGEST_MISMATCH' }, what)
    await store.receive(digest, size, 0, [bytes])
    await t.resolves(checkStoredFile(path, { digest, size }), 'whole again')
  }
  await t.rejects(
    store.receive(digest, size + 1, 0, [bytes]),
    { code: 'PEER_UNREACHABLE' },
    'a size that lies about whole bytes',
  )
  t.ok((await store.read(digest)).equals(bytes), 'what is whole stays')
})

t.test('a sweep removes what nothing refers to, and nothing else', async (t) => {
  const store = freshStore()
  const home = join(directory, `${made}`)
  const [kept, orphan] = [await store.put(Buffer.from('kept')), await store.put(Buffer.from('orphan'))]
  await t.rejects(store.receive(digest, size, 0, pieces(bytes.subarray(0, 1000), 500, true)))
  mkdirSync(join(home, 'zz'))
  for (const name of ['README', 'zz/notes.txt']) writeFileSync(join(home, name), 'a person put this here')
  await store.sweep((name) => name === kept.digest)
  t.strictSame(await Promise.all([kept, orphan, { digest }].map((payload) => store.has(payload.digest))), [
    true,
    false,
    false,
  ])
  t.equal(await store.partial(digest), 0, 'what was begun is gone')
  t.ok(['README', 'zz/notes.txt'].every((name) => existsSync(join(home, name))))
  await t.resolves(
    freshStore().sweep(() => false),
    'where nothing was ever stored',
  )
})

/** A disk of 256 KiB; undefined where this machine lets nobody make one. */
function tinyDisk(): string | undefined {
  const disk = join(directory, 'tiny')
  mkdirSync(disk)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  t.teardown(() => execFileSync('umount', [disk]))
  return disk
}

const disk = tinyDisk()
const fullDisk =
  disk === undefined ? { skip: 'no tmpfs can be mounted here: the disk cannot be filled (root can)' } : {}
t.test('a disk that is full says so, loses nothing, and goes on when there is room', fullDisk, async (t) => {
  const home = String(disk)
  await writeDurably(join(home, 'state'), 'the old state')
  const filler = join(home, 'filler')
  writeFileSync(filler, Buffer.alloc(120 * 1024))
  const store = new PayloadStore(join(home, 'payloads'))
  const large = randomBytes(180 * 1024)
  const wanted = sha256(large)
  const full = (promise: Promise<unknown>) =>
    promise.then(
      () => 'stored',
      (error) => asWaybillError(error).code,
    )
  t.equal(await full(store.receive(wanted, large.length, 0, [large])), 'DISK_FULL', 'in one piece')
  t.equal(await full(store.receive(wanted, large.length, 0, pieces(large, 5000))), 'DISK_FULL', 'in pieces')
  t.equal(await store.has(wanted), false)
  const partial = await store.partial(wanted)
  t.ok(partial > 0, `${partial} bytes wait for the rest`)
  t.equal(await full(writeDurably(join(home, 'state'), randomBytes(250 * 1024))), 'DISK_FULL')
  t.equal(readFileSync(join(home, 'state'), 'utf8'), 'the old state')
  t.strictSame(
    readdirSync(home).filter((name) => name.endsWith('.part')),
    [],
    'no temporary file takes the rest of the room',
  )
  rmSync(filler)
  await store.receive(wanted, large.length, partial, [large.subarray(partial)])
  t.ok((await store.read(wanted)).equals(large))
})
