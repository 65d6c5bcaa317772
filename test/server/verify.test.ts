import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openServer } from '../../commands/open-server.ts'
import { openStore } from '../../server/open-store.ts'
import { verifyServer } from '../../server/verify.ts'
import { signerOf } from '../../shared/crypto/identity.ts'
import { readDocument } from '../../shared/crypto/read-document.ts'
import { signDocument } from '../../shared/crypto/sign-document.ts'
import type { DeliveryReceipt } from '../../shared/protocol/delivery-receipt.ts'
import { makeDeviceSecrets } from '../../study/device-secrets.ts'
import { changeLine, custodyBy } from '../fixtures/craft-batch.ts'
import { TestServer } from '../fixtures/server-run.ts'
import { foundTestStudy } from '../fixtures/study.ts'

const study = await foundTestStudy()
t.teardown(() => study.dispose())
const lap = await study.enrol('field', 'lap-01')
const thabo = await study.enrol('relay', 'thabo')
const server = await TestServer.start(t, study.server)
const [direct, byThabo] = [server.as(lap), server.as(thabo)]
await byThabo.meet()
const laptop = await server.laptop(lap)
const first = await laptop.batch([changeLine({ id: 'a' }), 'no change', changeLine({ id: 'b' })])
const second = await laptop.batch([changeLine({ id: 'c' })])
const third = await laptop.batch([changeLine({ id: 'd' })])
const bad = await (await server.laptop(lap)).batch([], { payload: Buffer.from('no payload') })
await byThabo.push(first, [(await custodyBy(thabo, first)).jws])
for (const batch of [second, third, bad]) await direct.push(batch)
await server.settled()
await byThabo.meet()
await server.stop()
const whole = study.server.data
/** This server's own receipt for the first chain, but for what it names. */
const receiptThat = async (says: Partial<DeliveryReceipt>): Promise<string> => {
  const { jws } = server.sql<{ jws: string }>('SELECT delivery jws FROM chains WHERE through = 3')[0] ?? { jws: '' }
  const receipt = { ...readDocument(jws, 'delivery').document, ...says }
  return (await signDocument('delivery', receipt, signerOf(study.server.identity))).jws
}
const elsewhere = await receiptThat({ throughDigest: second.digest })
const inNoRun = await receiptThat({ through: 1, throughDigest: first.digest, above: [[2, 3, second.digest]] })
const inRun = await receiptThat({ through: 1, throughDigest: first.digest, above: [[2, 3, third.digest]] })

/** In SQL: the one change of the second batch. */
const ofC = `batch = (SELECT ordinal FROM batches WHERE manifest_digest = '${second.digest}')`

/** What verifying says of a copy of the data directory after someone was at it. */
async function verifyAfter(spoil: (data: string) => void): Promise<number> {
  const data = join(study.directory, 'copy')
  rmSync(data, { recursive: true, force: true })
  cpSync(whole, data, { recursive: true })
  spoil(data)
  const opened = await openServer(data)
  try {
    return await verifyServer(opened, () => undefined)
  } finally {
    opened.close()
  }
}

function sql(text: string): (data: string) => void {
  return (data) => {
    const { $client } = openStore(data)
    const { changes } = $client.prepare(text).run()
    $client.close()
    if (changes === 0) throw new Error(`nothing was spoiled: ${text}`)
  }
}

/** One letter of a base64url text flipped: in the signature, which no schema knows. */
function flipSignature(table: string, column: string, where = '1'): (data: string) => void {
  const bent = `substr(${column}, 1, length(${column}) - 20)
    || CASE substr(${column}, length(${column}) - 19, 1) WHEN 'A' THEN 'B' ELSE 'A' END
    || substr(${column}, length(${column}) - 18)`
  return sql(`UPDATE ${table} SET ${column} = ${bent} WHERE rowid =
    (SELECT rowid FROM ${table} WHERE ${where} AND ${column} IS NOT NULL ORDER BY rowid DESC LIMIT 1)`)
}

function flipFile(...find: string[]): (data: string) => void {
  return (data) => {
    const directory = join(data, ...find)
    const name = readdirSync(directory, { recursive: true })
      .map(String)
      .filter((file) => /[0-9a-f]{64}$|\.jws$/.test(file))
      .sort()[0]
    const path = join(directory, name ?? '')
    const bytes = readFileSync(path)
    bytes[bytes.length - 10] = (bytes.at(-10) ?? 0) ^ 1
    writeFileSync(path, bytes)
  }
}

function otherKey(name: 'signing' | 'sealing'): (data: string) => void {
  return (data) => {
    const path = join(data, 'identity.json')
    const identity = JSON.parse(readFileSync(path, 'utf8'))
    identity.secrets[name] = others[name]
    writeFileSync(path, JSON.stringify(identity))
  }
}

const others = await makeDeviceSecrets(true)
const one = `manifest_digest = '${second.digest}'`
const spoiled: Array<[why: string, spoil: (data: string) => void, names: RegExp]> = [
  ['a credential', flipSignature('credentials', 'jws'), /credential/],
  [
    'a credential under another name',
    sql(`UPDATE credentials SET kid = '${'a'.repeat(64)}' WHERE rowid = 1`),
    /credential/,
  ],
  ['a manifest', flipSignature('batches', 'manifest', one), /batch 2 .*signature/],
  ['a custody receipt', flipSignature('batches', 'custody', one), /batch 2 .*signature/],
  [
    "a courier's receipt in its place",
    (data) => sql(`UPDATE batches SET custody = (SELECT jws FROM hops LIMIT 1) WHERE seq = 1`)(data),
    /batch 1 .*another/,
  ],
  ['the digest of a manifest', sql(`UPDATE batches SET manifest_digest = '${'b'.repeat(64)}' WHERE ${one}`), /batch 2/],
  ['the producer of a batch', sql(`UPDATE batches SET producer = '${'c'.repeat(32)}' WHERE ${one}`), /batch 2/],
  ['the chain of a batch', sql(`UPDATE batches SET chain = '${'c'.repeat(32)}' WHERE ${one}`), /batch 2/],
  ['the number of a batch', sql(`UPDATE batches SET seq = 7 WHERE ${one}`), /batch 7/],
  ['the predecessor of a batch', sql(`UPDATE batches SET previous = NULL WHERE ${one}`), /batch 2/],
  ['the payload of a batch', sql(`UPDATE batches SET payload_digest = '${'d'.repeat(64)}' WHERE ${one}`), /batch 2/],
  ['the size of a payload', sql(`UPDATE batches SET payload_size = payload_size + 1 WHERE ${one}`), /batch 2/],
  ['the count of changes', sql(`UPDATE batches SET changes = 9 WHERE ${one}`), /batch 2/],
  [
    'the state of a batch: opened',
    sql(`UPDATE batches SET state = 'opened' WHERE manifest_digest = '${bad.digest}'`),
    /batch 1 /,
  ],
  ['the state of a batch: held', sql(`UPDATE batches SET state = 'held' WHERE ${one}`), /changes: one of batch/],
  ['a batch that is gone', sql(`DELETE FROM batches WHERE ${one}`), /comes from nowhere|opened/],
  [
    'the last batch that is gone',
    sql(`DELETE FROM batches WHERE manifest_digest = '${third.digest}'`),
    /comes from nowhere/,
  ],
  ['a hop', flipSignature('hops', 'jws'), /batch 1 .*signature/],
  ['the digest of a hop', sql(`UPDATE hops SET digest = '${'e'.repeat(64)}'`), /batch 1 .*custody/],
  ['the giver of a hop', sql(`UPDATE hops SET by = '${'e'.repeat(32)}'`), /batch 1 .*custody/],
  ['the number of a hop', sql('UPDATE hops SET hop = 2'), /batch 1 .*custody/],
  ['what a hop follows', sql(`UPDATE hops SET prev = '${'e'.repeat(64)}'`), /batch 1 .*custody/],
  ['a hop that is gone', sql('DELETE FROM hops'), /batch 1 .*does not follow/],
  ['a hop of another batch', sql(`UPDATE hops SET manifest_digest = '${second.digest}'`), /does not follow/],
  ['a hop of no batch', sql(`UPDATE hops SET manifest_digest = '${'f'.repeat(64)}'`), /does not follow|from nowhere/],
  ['by what a change is found', sql(`UPDATE changes SET id_hash = 1 WHERE ${ofC}`), /change c/],
  ['the digest of a change', sql(`UPDATE changes SET digest = zeroblob(32) WHERE ${ofC}`), /change c/],
  ['the batch of a change', sql(`UPDATE changes SET batch = 1 WHERE ${ofC}`), /1 changes of the feed/],
  ['the line of a change', sql(`UPDATE changes SET number = 2 WHERE ${ofC}`), /1 changes of the feed/],
  ['a change that is gone', sql(`DELETE FROM changes WHERE ${ofC}`), /change c/],
  [
    'a change from nowhere',
    sql(
      'INSERT INTO changes (id_hash, digest, batch, number, record, action) SELECT id_hash + 1, digest, 99, number, 1, action FROM changes LIMIT 1',
    ),
    /nowhere/,
  ],
  [
    'a change too many',
    sql(
      'INSERT INTO changes (id_hash, digest, batch, number, record, action) SELECT id_hash + 1, digest, batch, number, 1, action FROM changes LIMIT 1',
    ),
    /1 changes of the feed/,
  ],
  [
    'a change twice',
    sql(
      'INSERT INTO changes (id_hash, digest, batch, number, record, action) SELECT id_hash, digest, batch, number, 1, action FROM changes LIMIT 1',
    ),
    /change a/,
  ],
  ['why a line is bad', sql("UPDATE bad_lines SET message = 'another'"), /batch 1 .*line/],
  ['the number of a bad line', sql('UPDATE bad_lines SET number = 1'), /batch 1 .*line/],
  ['a bad line that is gone', sql('DELETE FROM bad_lines'), /batch 1 .*line/],
  ['how far a chain is delivered', sql('UPDATE chains SET through = 4 WHERE through = 3'), /chain .*4 batches/],
  ['how far it was', sql('UPDATE chains SET through = 2 WHERE through = 3'), /chain .*not opened through the batch/],
  [
    'how far it was, and by which batch',
    sql(
      `UPDATE chains SET through = 2, through_digest = (SELECT manifest_digest FROM batches b
       WHERE b.producer = chains.producer AND b.chain = chains.chain AND b.seq = 2) WHERE through = 3`,
    ),
    /chain .*not counted/,
  ],
  ['how far it is safe', sql('UPDATE chains SET safe_through = 4 WHERE through = 3'), /chain .*safe/],
  ['how far it was witnessed', sql('UPDATE chains SET witnessed = 1 WHERE through = 3'), /chain .*witnessed/],
  ['a fork that is none', sql('UPDATE chains SET fork_at = 2 WHERE through = 3'), /chain .*fork/],
  ['a chain that is gone', sql('DELETE FROM chains WHERE through = 3'), /chain .*gone/],
  ['a delivery receipt', flipSignature('chains', 'delivery'), /receipt of chain .*signature/],
  ['a gap notice', flipSignature('chains', 'gaps'), /receipt of chain .*signature/],
  [
    "another chain's delivery receipt",
    sql('UPDATE chains SET delivery = (SELECT delivery FROM chains WHERE through = 3) WHERE through = 0'),
    /chain .*another/,
  ],
  ['a receipt that names another', sql(`UPDATE chains SET delivery = '${elsewhere}' WHERE through = 3`), /not opened/],
  ['a run of another', sql(`UPDATE chains SET delivery = '${inNoRun}' WHERE through = 3`), /not opened/],
  ['a count', sql("UPDATE counts SET value = value - 1 WHERE name = 'held'"), /count of held says 3, .* say 4/],
  ['a count that is gone', sql("DELETE FROM counts WHERE name = 'opened'"), /count of opened says 0, .* say 4/],
  ['the incarnation', sql(`UPDATE facts SET value = json_set(value, '$.number', 0) WHERE key = 'incarnation'`), /life/],
  ['a payload', flipFile('payloads'), /batch .*does not hash/],
  ['a study document', flipFile('study-documents'), /study document/],
  ['the key to sign with', otherKey('signing'), /identity.json: the signingKey/],
  ['the key to open with', otherKey('sealing'), /identity.json: the sealingKey/],
  [
    'the database file',
    (data) => {
      const path = join(data, 'waybill.sqlite')
      const { $client } = openStore(data)
      $client.pragma('wal_checkpoint(TRUNCATE)')
      const page = $client.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'hops_by_manifest'").pluck().get()
      $client.close()
      const bytes = readFileSync(path)
      bytes.fill(0x61, Number(page) * 4096 - 80, Number(page) * 4096 - 20)
      writeFileSync(path, bytes)
    },
    /database/,
  ],
]

t.test('invariant 5: what is whole verifies', async (t) => {
  t.equal(await verifyAfter(() => undefined), 4)
  t.equal(await verifyAfter(sql(`UPDATE chains SET delivery = '${inRun}' WHERE through = 3`)), 4, 'an older receipt')
})

t.test('invariant 5: each kind of tampering is seen and named', async (t) => {
  for (const [why, spoil, names] of spoiled) {
    const error = await verifyAfter(spoil).then(
      () => undefined,
      (thrown) => thrown,
    )
    if (error === undefined) t.fail(`${why}: it was not seen`)
    else t.match(error, { name: 'WaybillError', message: names }, why)
  }
})
