import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { constants, zstdCompress, zstdCompressSync } from 'node:zlib'
import { Encrypter, generateIdentity, identityToRecipient } from 'age-encryption'
import t from 'tap'
import { sha256 } from '../../shared/crypto/digest.ts'
import { deriveLine, linesDigest } from '../../shared/specimens/derive-line.ts'
import { type CraftedBatch, type CraftedLaptop, changeLine, custodyBy } from '../fixtures/craft-batch.ts'
import { TestServer } from '../fixtures/server-run.ts'
import { foundTestStudy } from '../fixtures/study.ts'

const compress = promisify(zstdCompress)
const study = await foundTestStudy()
t.teardown(() => study.dispose())
await study.publish(() => ({ models: { 'lab.requisition': { requisition: { identifier: 'id', panel: 'panel' } } } }))
const lap = await study.enrol('field', 'lap-01')
const other = await study.enrol('field', 'lap-02')
const thabo = await study.enrol('relay', 'thabo')
const server = await TestServer.start(t, study.server)
const [direct, byOther, byThabo] = [server.as(lap), server.as(other), server.as(thabo)] as const
const recipients = await server.opened(({ shelf }) => shelf.document.recipients.map(({ key }) => key))

/** Sealed with age to the study's recipients, whatever the packed bytes are. */
async function sealed(packed: Uint8Array, to = recipients): Promise<Buffer> {
  const encrypter = new Encrypter()
  for (const recipient of to) encrypter.addRecipient(recipient)
  return Buffer.from(await encrypter.encrypt(packed))
}

interface Row {
  state: string
  code: string | null
  message: string | null
}

function rowOf({ digest }: CraftedBatch): Row | undefined {
  return server.sql<Row>('SELECT state, code, message FROM batches WHERE manifest_digest = ?', digest)[0]
}

const line = (id: string) => changeLine({ id })

/** What an ill-meaning laptop puts into a batch, each in a chain of its own. */
const spoiled: Array<[why: string, make: (laptop: CraftedLaptop) => Promise<CraftedBatch>]> = [
  [
    'sealed to a key that is not here',
    async (laptop) => laptop.batch([line('x1')], { recipients: [await identityToRecipient(await generateIdentity())] }),
  ],
  ['not sealed at all', (laptop) => laptop.batch([line('x2')], { seal: async (plain) => compress(plain) })],
  ['random bytes', (laptop) => laptop.batch([line('x3')], { payload: randomBytes(5000) })],
  ['not compressed', (laptop) => laptop.batch([line('x4')], { seal: async (plain) => sealed(plain) })],
  [
    'a second zstd frame',
    (laptop) =>
      laptop.batch([line('x5')], {
        seal: async (plain) => sealed(Buffer.concat([await compress(plain), await compress(plain)])),
      }),
  ],
  [
    'an empty second frame',
    (laptop) =>
      laptop.batch([line('x6')], {
        seal: async (plain) => sealed(Buffer.concat([await compress(plain), zstdCompressSync(Buffer.alloc(0))])),
      }),
  ],
  [
    'a skippable frame after the first',
    (laptop) =>
      laptop.batch([line('x7')], {
        seal: async (plain) =>
          sealed(Buffer.concat([await compress(plain), Buffer.from([0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 7])])),
      }),
  ],
  [
    'a bomb: 256 MiB in a few KiB',
    (laptop) =>
      laptop.batch([line('x8')], {
        seal: async () =>
          sealed(
            zstdCompressSync(Buffer.alloc(256 * 1024 * 1024), { params: { [constants.ZSTD_c_compressionLevel]: 1 } }),
          ),
      }),
  ],
  [
    'a bomb that says so',
    (laptop) =>
      laptop.batch([line('x9')], {
        seal: async () => sealed(zstdCompressSync(Buffer.alloc(64 * 1024 * 1024))),
        manifest: { plain: { digest: sha256(Buffer.alloc(64 * 1024 * 1024)), size: 64 * 1024 * 1024 } },
      }),
  ],
  [
    'another plain digest',
    (laptop) => laptop.batch([line('x10')], { manifest: { plain: { digest: sha256('another'), size: 400 } } }),
  ],
  ['fewer changes than it says', (laptop) => laptop.batch([line('x11')], { manifest: { changes: 2 } })],
  ['more changes than it says', (laptop) => laptop.batch([line('x12')], { manifest: { changes: 0 } })],
  ['of another producer', (laptop) => laptop.batch([line('x13')], { head: { producer: other.device } })],
  ['of another study', (laptop) => laptop.batch([line('x14')], { head: { study: 'f'.repeat(64) } })],
  ['of another chain', (laptop) => laptop.batch([line('x15')], { head: { chain: 'f'.repeat(32) } })],
  ['of another number', (laptop) => laptop.batch([line('x16')], { head: { seq: 2 } })],
  ['a salt too short', (laptop) => laptop.batch([line('x17')], { head: { salt: 'ab' } })],
  ['a head with more', (laptop) => laptop.batch([line('x18')], { head: { more: 1 } as object })],
  [
    'no head',
    (laptop) => laptop.batch([line('x19')], { plain: Buffer.from(`${line('x19')}\n`), manifest: { changes: 0 } }),
  ],
  ['no text', (laptop) => laptop.batch([], { plain: Buffer.alloc(0) })],
  [
    'hundreds of recipient lines, each of which age would try',
    async (laptop) => {
      const far = await identityToRecipient(await generateIdentity())
      return laptop.batch([line('x20')], { seal: async (plain) => sealed(await compress(plain), Array(200).fill(far)) })
    },
  ],
]

t.test('invariant 4: what cannot be opened is kept with its code, and no delivery is signed for it', async (t) => {
  for (const [why, make] of spoiled) {
    const laptop = await server.laptop(lap)
    const batch = await make(laptop)
    t.ok(await direct.push(batch), `${why}: custody is signed`)
    await server.settled()
    t.match(rowOf(batch), { state: 'quarantined', code: 'PAYLOAD_REFUSED' }, why)
    t.match(await direct.delivery(laptop.chain), { through: 0, above: [] }, `${why}: nothing is delivered`)
  }
  t.equal((await server.feed()).length, 0, 'nothing of it was taken')
})

t.test('a last line that does not end is refused', async (t) => {
  const laptop = await server.laptop(lap)
  const whole = await laptop.batch([line('y1')])
  await direct.push(whole)
  const cut = await server.laptop(lap)
  const honest = `{"chain":"${cut.chain}","producer":"${lap.device}","salt":"${'0'.repeat(64)}","seq":1,"study":"${study.study}"}`
  const batch = await cut.batch([line('y2')], { plain: Buffer.from(`${honest}\n${line('y2')}`) })
  await direct.push(batch)
  await server.settled()
  t.equal(rowOf(whole)?.state, 'opened')
  t.match(rowOf(batch), { state: 'quarantined', code: 'PAYLOAD_REFUSED' })
})

t.test('a version that this program does not know is quarantined by who applies, not by who carries', async (t) => {
  const laptop = await server.laptop(lap)
  const batch = await laptop.batch([line('v2')], { manifest: { v: 2, more: 'kept' } as object })
  t.ok(await direct.push(batch), 'it is stored and signed for')
  await server.settled()
  t.match(rowOf(batch), { state: 'quarantined', code: 'BAD_DOCUMENT' })
})

t.test('stolen ciphertext under another manifest does not open', async (t) => {
  const mine = await (await server.laptop(lap)).batch([line('stolen')])
  const thief = await server.laptop(other)
  const theirs = await thief.batch([line('stolen')], {
    payload: mine.payload,
    manifest: { plain: mine.document.plain },
  })
  await byOther.push(theirs)
  await direct.push(mine)
  await server.settled()
  t.match(rowOf(theirs), { state: 'quarantined', code: 'PAYLOAD_REFUSED' }, 'the thief has signed for nothing')
  t.match(rowOf(mine), { state: 'opened' }, 'the owner of the bytes is not hurt')
  const from = (await server.feed()).filter(({ change }) => (change as { id: string }).id === 'stolen')
  t.same(
    from.map(({ producer }) => producer),
    [lap.device],
  )
})

t.test('invariant 8: a bad line among good ones: the good ones flow, the bad one is kept', async (t) => {
  const laptop = await server.laptop(lap)
  const deep = `{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`
  const bad: Array<[string, Buffer | string]> = [
    ['no JSON', '{"id":'],
    ['no change', '{"id":"b"}'],
    ['an unknown field', changeLine({ id: 'b1', more: 1 } as { id: string })],
    ['spaces', line('b2').replace('{"', '{ "')],
    ['another order', `{"user":"ra",${line('b3').slice(1)}`],
    ['a name twice', line('b4').replace('{"action":"insert"', '{"action":"insert","action":"insert"')],
    ['half a character', line('b5').replace('61.5', '"\\ud800"')],
    ['an endless number', line('b6').replace('61.5', '1e999')],
    ['a number spelled otherwise', line('b7').replace('61.5', '61.50')],
    ['nested without end', line('b8').replace('{"weight":61.5}', deep)],
    ['no UTF-8', Buffer.from(line('b9').replace('61.5', '"\u00ff"'), 'latin1')],
    ['an empty line', ''],
  ]
  const lines = [line('good-1'), ...bad.map(([, text]) => text), line('good-2')]
  const head = `{"chain":"${laptop.chain}","producer":"${lap.device}","salt":"${'0'.repeat(64)}","seq":1,"study":"${study.study}"}`
  const plain = Buffer.concat([head, ...lines].flatMap((text) => [Buffer.from(text), Buffer.from('\n')]))
  const batch = await laptop.batch(lines.map(String), { plain })
  await direct.push(batch)
  await server.settled()
  t.match(rowOf(batch), { state: 'opened' })
  const stored = server.sql<{ number: number; code: string }>(
    'SELECT number, code FROM bad_lines WHERE manifest_digest = ? ORDER BY number',
    batch.digest,
  )
  for (const [index, [why]] of bad.entries()) t.match(stored[index], { number: index + 2, code: 'CHANGE_INVALID' }, why)
  t.equal(stored.length, bad.length)
  const ids = (await server.feed()).map(({ change }) => (change as { id: string }).id)
  t.ok(ids.includes('good-1') && ids.includes('good-2') && !ids.some((id) => id.startsWith('b')))
  t.match(await direct.delivery(laptop.chain), { through: 1 }, 'the batch is whole, so it is delivered')
})

t.test(
  'invariant 8: a batch that cannot be opened holds up no other, neither of its chain nor of others',
  async (t) => {
    const laptop = await server.laptop(lap)
    const first = await laptop.batch([line('h1')], { payload: randomBytes(100) })
    const rest = await laptop.batches(3)
    for (const batch of [first, ...rest]) await direct.push(batch)
    await server.settled()
    t.same(
      rest.map((batch) => rowOf(batch)?.state),
      ['opened', 'opened', 'opened'],
    )
    const delivery = await direct.delivery(laptop.chain)
    t.match(
      delivery,
      { through: 0, above: [[2, 4, rest[2]?.digest]] },
      'what is opened is delivered, above the one that is not',
    )
    t.equal((await direct.gaps(laptop.chain))?.missing.length, 0, 'and nothing is missing')
  },
)

t.test('invariant 2: an exact repeat merges; of two contents of one id both are kept', async (t) => {
  const [mine, theirs] = [await server.laptop(lap), await server.laptop(other)]
  const twice = changeLine({ id: 'same', fields: { weight: 1 } })
  await direct.push(await mine.batch([twice, changeLine({ id: 'two', fields: { weight: 1 } }), twice]))
  await byOther.push(await theirs.batch([twice, changeLine({ id: 'two', fields: { weight: 2 } })]))
  await server.settled()
  const of = async (id: string) => (await server.feed()).filter(({ change }) => (change as { id: string }).id === id)
  t.equal((await of('same')).length, 1)
  t.same(
    (await of('two')).map(({ change }) => (change as { fields: object }).fields),
    [{ weight: 1 }, { weight: 2 }],
  )
  t.match([(await direct.delivery(mine.chain))?.through, (await byOther.delivery(theirs.chain))?.through], [1, 1])
})

t.test('requisition lines that a courier was shown and that the payload does not give raise an alarm', async (t) => {
  const requisition = { id: 'r1', model: 'lab.requisition', fields: { id: 'R-1', panel: 'CD4' } }
  const document = await server.opened(({ shelf }) => shelf.document)
  const visible = deriveLine(JSON.parse(changeLine(requisition)), document)
  const honest = await (await server.laptop(lap)).batch([changeLine(requisition)], {
    manifest: { requisitions: linesDigest(visible ? [visible] : []) },
  })
  const liar = await (await server.laptop(lap)).batch([changeLine({ ...requisition, id: 'r2' })])
  await direct.push(honest)
  await direct.push(liar)
  const { alarms } = await server.settled()
  t.ok(alarms.some((alarm) => alarm.includes(liar.digest)))
  t.notOk(alarms.some((alarm) => alarm.includes(honest.digest)))
})

t.test('a payload that this disk lost is asked for again, and opened', async (t) => {
  const laptop = await server.laptop(lap)
  const [lost, bent] = await laptop.batches(2)
  if (!lost || !bent) return t.fail('two batches')
  for (const [batch, code] of [
    [lost, 'NOT_FOUND'],
    [bent, 'DIGEST_MISMATCH'],
  ] as const)
    server.sql(
      `INSERT INTO batches (manifest_digest, manifest, producer, chain, seq, previous, payload_digest, payload_size, changes, custody,
       ingested_at, state, code) SELECT ?, ?, producer, ?, ?, ?, ?, ?, changes, ?, ingested_at, 'quarantined', ? FROM batches LIMIT 1`,
      ...[batch.digest, batch.manifest, laptop.chain, batch.document.seq, batch.document.previous],
      ...[batch.document.payload.digest, batch.payload.length, `custody-${code}`, code],
    )
  const receipt = (await custodyBy(thabo, lost)).jws
  await byThabo.meet()
  t.same((await byThabo.offer([{ digest: lost.digest, receipt }])).wanted, [lost.digest])
  t.equal(await byThabo.push(lost, [receipt]), 'custody-NOT_FOUND', 'signed for with the same bytes')
  t.equal(await direct.push(bent), 'custody-DIGEST_MISMATCH')
  await server.settled()
  t.same([rowOf(lost)?.state, rowOf(bent)?.state], ['opened', 'opened'])
})
