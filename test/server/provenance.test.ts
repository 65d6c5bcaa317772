import { createHash } from 'node:crypto'
import { compactVerify, importJWK } from 'jose'
import t from 'tap'
import { type Provenance, provenanceOf } from '../../server/provenance.ts'
import { changeLine, custodyBy } from '../fixtures/craft-batch.ts'
import { refused, TestServer } from '../fixtures/server-run.ts'
import { foundTestStudy } from '../fixtures/study.ts'

type Json = Record<string, unknown> & { device: string; role: string; signingKey: string; producer: string }

const sha256 = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const digestOf = (jws: string) => sha256(jws.slice(0, jws.lastIndexOf('.')))

/**
 * Someone else's verifier, written from PROTOCOL.md: it shares no code with this project and knows the authority's key alone.
 * @returns the devices through whose hands the change came
 */
async function verifyElsewhere(authorityKey: string, proof: Provenance['proof'], change: string): Promise<string[]> {
  const study = sha256(Buffer.from(authorityKey, 'base64url'))
  const known = new Map<string, Json>([[study, { role: 'authority', signingKey: authorityKey } as Json]])
  const verify = async (jws: string, typ: string, ...roles: string[]): Promise<{ document: Json; signer: Json }> => {
    const { kid } = JSON.parse(Buffer.from(jws.split('.')[0] ?? '', 'base64url').toString())
    const signer = known.get(kid)
    if (!signer) throw new Error('unknown signer')
    const key = await importJWK({ kty: 'OKP', crv: 'Ed25519', x: signer.signingKey }, 'Ed25519')
    const { payload, protectedHeader } = await compactVerify(jws, key, { algorithms: ['Ed25519'] })
    const document: Json = JSON.parse(new TextDecoder().decode(payload))
    if (protectedHeader.typ !== typ || !roles.includes(signer.role) || document.study !== study)
      throw new Error(`a ${signer.role} may not sign this ${protectedHeader.typ}`)
    return { document, signer }
  }
  const isIssuer = (jws: string) =>
    JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString()).role === 'issuer'
  for (const jws of proof.credentials.toSorted((a, b) => Number(isIssuer(b)) - Number(isIssuer(a)))) {
    const { document } = await verify(jws, 'waybill-credential', isIssuer(jws) ? 'authority' : 'issuer')
    if (document.device !== sha256(Buffer.from(document.signingKey, 'base64url')).slice(0, 32))
      throw new Error('device')
    known.set(digestOf(jws), document)
  }
  const manifest = await verify(proof.manifest, 'waybill-manifest', 'field', 'server')
  const { producer, plain } = manifest.document as Json & { plain: { digest: string; size: number } }
  if (manifest.signer.device !== producer) throw new Error('not signed by its producer')
  const text = Buffer.from(proof.plain, 'base64')
  if (sha256(text) !== plain.digest || text.length !== plain.size) throw new Error('not the text that was signed')
  if (
    !text
      .toString()
      .split('\n')
      .slice(1)
      .some((line) => line !== '' && JSON.parse(line).id === change)
  )
    throw new Error('the change is not in it')
  const held = new Map([[digestOf(proof.manifest), { by: producer, hop: 0 }]])
  for (const jws of proof.receipts) {
    const { document, signer } = await verify(jws, 'waybill-custody', 'relay', 'server', 'central')
    const giver = held.get(String(document.prev))
    const isNext = giver && giver.by === document.from && giver.hop + 1 === document.hop
    if (!isNext || document.by !== signer.device || document.manifest !== digestOf(proof.manifest))
      throw new Error(`hop ${document.hop} does not follow`)
    held.set(digestOf(jws), { by: signer.device, hop: Number(document.hop) })
  }
  return [...held.values()].map(({ by }) => by)
}

const study = await foundTestStudy()
t.teardown(() => study.dispose())
const lap = await study.enrol('field', 'lap-01')
const other = await study.enrol('field', 'lap-02')
const thabo = await study.enrol('relay', 'thabo')
const naledi = await study.enrol('relay', 'naledi')
const server = await TestServer.start(t, study.server)
for (const relay of [thabo, naledi]) await server.as(relay).meet()

const laptop = await server.laptop(lap)
const batch = await laptop.batch([changeLine({ id: 'a' }), changeLine({ id: 'b' })])
const hops = { thabo: await custodyBy(thabo, batch), naledi: await custodyBy(naledi, batch) }
await server.as(naledi).push(batch, [hops.naledi.jws])
await server.as(thabo).push(batch, [hops.thabo.jws])
await server.as(other).push(await (await server.laptop(other)).batch([changeLine({ id: 'a', fields: { weight: 99 } })]))
await server.settled()

async function provenance(change: string): Promise<Provenance[]> {
  return server.opened((opened) => provenanceOf(opened, change))
}

t.test("invariant 5: anyone verifies a change's provenance from the authority key alone", async (t) => {
  const [found] = await provenance('b')
  if (!found) return t.fail('no provenance')
  t.match(found, { producer: lap.device, producerName: 'lap-01', seq: 1, batch: batch.digest })
  const proof = JSON.parse(JSON.stringify(found.proof)) as Provenance['proof']
  const hands = await verifyElsewhere(study.server.identity.authorityKey, proof, 'b')
  t.equal(hands[0], lap.device, 'from the laptop')
  t.same(new Set(hands.slice(1, 3)), new Set([thabo.device, naledi.device]), 'through both couriers')
  t.equal(hands.at(-1), study.server.device, 'to the server')
  t.same(
    found.hops.map(({ by }) => by),
    hands.slice(1),
    'as the command tells it',
  )
})

t.test('invariant 5: both contents of one id have their own provenance', async (t) => {
  const found = await provenance('a')
  t.same(
    found.map(({ producer }) => producer),
    [lap.device, other.device],
  )
  for (const { proof } of found) t.ok(await verifyElsewhere(study.server.identity.authorityKey, proof, 'a'))
  t.same(
    found[1]?.hops.map(({ from, by }) => [from, by]),
    [[other.device, study.server.device]],
    'the direct route',
  )
})

t.test('a proof that someone changed does not verify', async (t) => {
  const [found] = await provenance('b')
  const { authorityKey } = study.server.identity
  if (!found) return t.fail('no provenance')
  const { proof } = found
  const spoiled: Array<[string, Partial<Provenance['proof']>]> = [
    ['without a credential', { credentials: proof.credentials.slice(1) }],
    ['without the hop before the last', { receipts: proof.receipts.filter((jws) => jws !== hops.naledi.jws) }],
    [
      'with a receipt of another batch',
      { receipts: [(await custodyBy(thabo, { ...batch, digest: 'a'.repeat(64) })).jws] },
    ],
    ['with another text', { plain: Buffer.from(`${Buffer.from(proof.plain, 'base64')}\n`).toString('base64') }],
    ['with another manifest', { manifest: (await laptop.batch([changeLine({ id: 'b' })])).manifest }],
  ]
  for (const [why, more] of spoiled) await t.rejects(verifyElsewhere(authorityKey, { ...proof, ...more }, 'b'), why)
  const foreign = await foundTestStudy()
  t.teardown(() => foreign.dispose())
  await t.rejects(verifyElsewhere(foreign.server.identity.authorityKey, proof, 'b'), 'from another authority')
})

t.test('the server itself sees a manifest that another has signed', async (t) => {
  const forged = await (await server.laptop(lap)).batch([changeLine({ id: 'forged' })], { signer: other })
  server.sql(
    'UPDATE batches SET manifest = ?, manifest_digest = ? WHERE manifest_digest = ?',
    forged.manifest,
    forged.digest,
    batch.digest,
  )
  await refused(t, provenance('b'), 'PROVENANCE_BROKEN', 'the producer did not sign it')
  await refused(t, provenance('nothing'), 'NOT_FOUND', 'a change that is not here')
})
