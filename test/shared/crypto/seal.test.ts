import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { Encrypter } from 'age-encryption'
import fc from 'fast-check'
import t from 'tap'
import { sha256 } from '../../../shared/crypto/digest.ts'
import { newSealingKey } from '../../../shared/crypto/keys.ts'
import { openPayload, sealPayload } from '../../../shared/crypto/seal.ts'
import { maxPayloadBytes, maxPlainBytes } from '../../../shared/protocol/payload.ts'

const seed = 20261124
const [own, recovery, stranger] = await Promise.all([newSealingKey(), newSealingKey(), newSealingKey()])
const recipients = [own.recipient, recovery.recipient]
const plain = Buffer.from(`${JSON.stringify({ id: 'c-1', note: 'a change of a visit' })}\n`.repeat(200))
const declared = describe(plain)
const packed = zstdCompressSync(plain)

function describe(bytes: Uint8Array) {
  return { digest: sha256(bytes), size: bytes.length }
}

/** Sealed as `sealPayload` does, but with any bytes in the place of the one zstd frame. */
async function sealPacked(bytes: Uint8Array, recipient = own.recipient): Promise<Uint8Array> {
  const encrypter = new Encrypter()
  encrypter.addRecipient(recipient)
  return encrypter.encrypt(bytes)
}

const refused = { code: 'PAYLOAD_REFUSED' }

t.test('any plain text opens again, with the key of each recipient', async (t) => {
  const texts = fc.oneof(
    fc.uint8Array({ maxLength: 5000 }),
    fc.string().map((text) => Buffer.from(text)),
  )
  await fc.assert(
    fc.asyncProperty(texts, fc.constantFrom(own, recovery), async (bytes, { identity }) => {
      const opened = await openPayload(await sealPayload(bytes, recipients), [identity], describe(bytes))
      return opened.equals(bytes)
    }),
    { seed, numRuns: 60 },
  )
  t.pass(`seed ${seed}`)
})

t.test('invariant 6: nobody else opens it', async (t) => {
  const sealed = await sealPayload(plain, recipients)
  await t.rejects(openPayload(sealed, [stranger.identity], declared), refused)
  await t.rejects(openPayload(sealed, [], declared), refused, 'no key at all')
  await t.rejects(
    openPayload(await sealPacked(packed, stranger.recipient), [own.identity], declared),
    refused,
    'the wrong key',
  )
  t.notOk(sealed.includes('a change of a visit'), 'nothing of it is readable')
})

t.test('exactly one zstd frame, from the first byte to the last', async (t) => {
  const skippable = Buffer.from('502a4d1804000000deadbeef', 'hex')
  const empty = zstdCompressSync(Buffer.alloc(0))
  const half = plain.length / 2
  const split = [plain.subarray(0, half), plain.subarray(half)].map((part) => zstdCompressSync(part))
  const streams: Record<string, Uint8Array[]> = {
    'a second frame': [packed, packed],
    'a second frame that holds nothing': [packed, empty],
    'an empty frame first': [empty, packed],
    'the text in two frames': split,
    'a skippable frame first': [skippable, packed],
    'a skippable frame last': [packed, skippable],
    'one byte more': [packed, Buffer.from([0])],
    'one byte less': [packed.subarray(0, -1)],
    'no frame': [],
    'the text itself': [plain],
  }
  for (const [what, parts] of Object.entries(streams))
    await t.rejects(openPayload(await sealPacked(Buffer.concat(parts)), [own.identity], declared), refused, what)
  t.ok(
    (await openPayload(await sealPacked(packed), [own.identity], declared)).equals(plain),
    'the one frame alone opens',
  )
})

t.test('one zstd frame, where the text fills whole pieces of what zlib unpacks into', async (t) => {
  for (const size of [0, 1, 63, 64, 16_384, 65_536]) {
    const text = Buffer.alloc(size, 'x')
    const told = { digest: sha256(text), size }
    const frame = zstdCompressSync(text)
    t.ok((await openPayload(await sealPacked(frame), [own.identity], told)).equals(text), `${size} bytes`)
    for (const more of [zstdCompressSync(Buffer.alloc(0)), Buffer.from('502a4d1800000000', 'hex')])
      await t.rejects(openPayload(await sealPacked(Buffer.concat([frame, more])), [own.identity], told), refused)
  }
})

t.test('house rule 14, invariant 10: what unpacks to more than was declared is stopped', async (t) => {
  const bomb = await sealPacked(zstdCompressSync(Buffer.alloc(64 * 1024 * 1024)))
  t.ok(bomb.length < 8192, `${bomb.length} bytes would unpack to 64 MiB`)
  const before = process.memoryUsage().rss
  for (const size of [0, 1, declared.size, maxPlainBytes, 64 * 1024 * 1024, Number.MAX_SAFE_INTEGER])
    await t.rejects(
      openPayload(bomb, [own.identity], { digest: declared.digest, size }),
      refused,
      `declared as ${size}`,
    )
  const grown = process.memoryUsage().rss - before
  t.ok(grown < 32 * 1024 * 1024, `memory grew by ${Math.round(grown / 1024)} KiB`)
  const large = Buffer.alloc(maxPlainBytes, 'waybill ')
  t.ok(
    (await openPayload(await sealPayload(large, recipients), [own.identity], describe(large))).equals(large),
    '2 MiB open',
  )
  const tooLarge = { ...refused, message: 'the payload is larger than allowed' }
  await t.rejects(
    openPayload(Buffer.alloc(maxPayloadBytes + 1), [own.identity], declared),
    tooLarge,
    'before it is read',
  )
})

t.test('the plain text is what the manifest signed, to the byte', async (t) => {
  const sealed = await sealPayload(plain, recipients)
  for (const wrong of [{ size: plain.length - 1 }, { size: plain.length + 1 }, { size: 0 }, { digest: sha256('x') }])
    await t.rejects(openPayload(sealed, [own.identity], { ...declared, ...wrong }), refused, JSON.stringify(wrong))
})

t.test('a flipped bit at any place is found', async (t) => {
  const sealed = await sealPayload(plain, recipients)
  const places = Array.from({ length: 150 }, (_, n) => Math.floor((n * sealed.length) / 150))
  for (const [n, at] of places.entries()) {
    const flipped = Buffer.from(sealed)
    flipped[at] = (flipped[at] ?? 0) ^ (1 << (n % 8))
    await t.rejects(
      openPayload(flipped, [own.identity], declared),
      refused,
      `bit ${n % 8} of byte ${at} of ${sealed.length}`,
    )
  }
})

t.test('a stream that ends early, or goes on, is found', async (t) => {
  // Three age chunks of 64 KiB, so that it can also end between two of them.
  const long = Buffer.from(Array.from({ length: 150_000 }, (_, n) => sha256(`${n}`).charCodeAt(n % 64)))
  const noise = Buffer.from(Array.from({ length: 3 * 1500 }, (_, n) => sha256(`n${n}`)).join(''), 'hex')
  for (const text of [long, noise]) {
    const sealed = await sealPayload(text, recipients)
    const chunk = 64 * 1024 + 16
    const body = sealed.length - (sealed.length % chunk)
    const ends = [
      0,
      1,
      100,
      400,
      body,
      sealed.length - chunk,
      sealed.length - 17,
      sealed.length - 16,
      sealed.length - 1,
    ]
    for (const end of ends.filter((at) => at >= 0 && at < sealed.length))
      await t.rejects(openPayload(sealed.subarray(0, end), [own.identity], describe(text)), refused, `ends at ${end}`)
    for (const more of [Buffer.from([0]), Buffer.alloc(16), sealed.subarray(-chunk)])
      await t.rejects(
        openPayload(Buffer.concat([sealed, more]), [own.identity], describe(text)),
        refused,
        `${more.length} more`,
      )
  }
})

function has(command: string): boolean {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const missing = ['age', 'zstd', 'jq'].filter((command) => !has(command))
t.test(
  "Debian's age, zstd and jq open our payload, and we open theirs",
  missing.length > 0 ? { skip: `not installed here: ${missing.join(', ')}` } : {},
  async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'waybill-'))
    t.teardown(() => rmSync(directory, { recursive: true }))
    const inside = (name: string) => join(directory, name)
    const [sealed, key, text, zst] = [inside('p.age'), inside('key'), inside('plain'), inside('p.zst')]
    writeFileSync(sealed, await sealPayload(plain, recipients))
    writeFileSync(text, plain)
    for (const { identity } of [own, recovery]) {
      writeFileSync(key, `${identity}\n`)
      const frame = execFileSync('age', ['--decrypt', '--identity', key, sealed])
      t.ok(execFileSync('zstd', ['-dc'], { input: frame }).equals(plain))
      writeFileSync(zst, frame)
      t.match(execFileSync('zstd', ['-l', zst]).toString(), /^ +1 +0 /m, 'one frame, none to skip')
      const notes = execFileSync('jq', ['-r', '.note'], { input: execFileSync('zstd', ['-dc', zst]) })
        .toString()
        .split('\n')
      t.equal(notes.filter((note) => note === 'a change of a visit').length, 200)
    }
    writeFileSync(key, `${stranger.identity}\n`)
    t.throws(
      () => execFileSync('age', ['--decrypt', '--identity', key, sealed], { stdio: 'pipe' }),
      'age refuses a stranger',
    )
    const frame = execFileSync('zstd', ['-c', '--check', text])
    const theirs = execFileSync('age', ['--encrypt', '-r', own.recipient, '-r', recovery.recipient], { input: frame })
    t.ok((await openPayload(theirs, [own.identity], declared)).equals(plain), 'we open what age and zstd made')
  },
)
