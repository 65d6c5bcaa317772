import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { signerOf } from '../../../shared/crypto/identity.ts'
import { signDocument } from '../../../shared/crypto/sign-document.ts'
import type { Trust } from '../../../shared/crypto/trust.ts'
import { systemClock } from '../../../shared/service/clock.ts'
import { StudyShelf } from '../../../shared/storage/study-shelf.ts'
import { verifyShelf } from '../../../shared/storage/verify-shelf.ts'
import { publishNext } from '../../../study/publish.ts'
import { foundTestStudy, trustOf } from '../../fixtures/study.ts'

const seed = 20261124
const study = await foundTestStudy()
t.teardown(() => study.dispose())
const { issuer } = study
const trust = await trustOf(study.server.identity)
const first = readFileSync(join(study.server.data, 'study-documents', '0000000001.jws'), 'utf8')
const versions: string[] = [first]
for (let version = 2; version <= 6; version += 1)
  versions.push(await study.publish(() => ({ name: `Version ${version}` })))
const jwsOf = (version: number) => String(versions[version - 1])

/** The same version with another text, signed by one who may. */
async function rivalOf(version: number): Promise<string> {
  const { document } = await trust.verify(jwsOf(version), 'study')
  return (await signDocument('study', { ...document, name: `Rival of ${version}` }, issuer.signer)).jws
}

let made = 0
/** A data directory that holds one version, and its shelf. */
async function shelfWith(version: number): Promise<{ data: string; shelf: StudyShelf; files: () => string[] }> {
  made += 1
  const data = join(study.directory, `shelf-${made}`)
  await StudyShelf.put(data, { jws: jwsOf(version), version })
  const files = () => readdirSync(join(data, 'study-documents')).sort()
  return { data, shelf: await StudyShelf.open(data, trust), files }
}

t.test('an older document is never taken, a newer one is, and the shelf knows it again', async (t) => {
  const { data, shelf, files } = await shelfWith(2)
  t.equal(await shelf.take(jwsOf(2)), 'same')
  t.equal(await shelf.take(jwsOf(5)), 'newer', 'versions may be skipped')
  t.equal(shelf.document.name, 'Version 5')
  t.equal(shelf.jws, jwsOf(5), 'the exact bytes')
  for (const version of [1, 2, 3, 4]) t.equal(await shelf.take(jwsOf(version)), 'older', `version ${version}`)
  t.strictSame(files(), ['0000000002.jws', '0000000005.jws'])
  t.equal((await StudyShelf.open(data, trust)).document.version, 5)
  t.equal((await shelf.version(2))?.name, 'Version 2', 'a batch may name it')
  t.equal(await shelf.version(3), undefined)
})

t.test('the same version with another text alarms, and neither replaces the other', async (t) => {
  const { data, shelf } = await shelfWith(3)
  await t.rejects(shelf.take(await rivalOf(3)), { code: 'STUDY_CONFLICT' })
  t.equal(shelf.jws, jwsOf(3))
  t.equal((await StudyShelf.open(data, trust)).jws, jwsOf(3))
})

t.test('what is not signed for this study is not taken', async (t) => {
  const { shelf, files } = await shelfWith(2)
  const forged = jwsOf(4).replace(/.{4}$/, 'AAAA')
  await t.rejects(shelf.take(forged), 'a broken signature')
  const field = await study.enrol('field', 'lap')
  const { document } = await trust.verify(jwsOf(4), 'study')
  await trust.admitAll([field.identity.credential])
  await t.rejects(shelf.take((await signDocument('study', document, signerOf(field.identity))).jws), {
    code: 'ROLE_REFUSED',
  })
  t.strictSame(files(), ['0000000002.jws'])
})

t.test('documents that are shown at once, in any order: the newest counts, and no version has two texts', async (t) => {
  const rivals = new Map(
    await Promise.all([2, 3, 4, 5, 6].map(async (version) => [version, await rivalOf(version)] as const)),
  )
  const shown = fc.record({ version: fc.integer({ min: 1, max: 6 }), rival: fc.boolean(), late: fc.nat(3) })
  await fc.assert(
    fc.asyncProperty(fc.array(shown, { minLength: 2, maxLength: 6 }), async (meetings) => {
      const { data, shelf, files } = await shelfWith(1)
      const taking = meetings.map(async ({ version, rival, late }) => {
        for (let turn = 0; turn < late; turn += 1) await new Promise(setImmediate)
        const jws = (rival && rivals.get(version)) || jwsOf(version)
        const taken = await shelf.take(jws).catch(({ code }) => code as string)
        return { version, jws, taken, after: shelf.document.version }
      })
      const outcomes = await Promise.all(taking)
      const newest = Math.max(1, ...meetings.map(({ version }) => version))
      const reopened = await StudyShelf.open(data, trust)
      const isOnDisk = ({ version, jws }: { version: number; jws: string }) =>
        readFileSync(join(data, 'study-documents', `${version}`.padStart(10, '0').concat('.jws')), 'utf8') === jws
      return (
        shelf.document.version === newest &&
        reopened.jws === shelf.jws &&
        files().every((name) => name.endsWith('.jws')) &&
        outcomes.every(({ version, after }) => after >= version || version === 1) &&
        // Who heard 'newer' or 'same' speaks of the text that is on the shelf; who holds another heard the alarm.
        outcomes.every((outcome) => !['newer', 'same'].includes(outcome.taken) || isOnDisk(outcome)) &&
        outcomes.filter(({ taken }) => taken === 'newer').length === files().length - 1
      )
    }),
    { seed, numRuns: 60 },
  )
  t.pass(`seed ${seed}`)
})

t.test('publishers at once, in whatever programs, all get in, one after the other', async (t) => {
  const { data, shelf } = await shelfWith(1)
  const shelves = [shelf, await StudyShelf.open(data, trust), await StudyShelf.open(data, trust)]
  const reasons = Array.from({ length: 12 }, (_, n) => ({ code: `reason ${n}`, words: `reason ${n}`, closes: true }))
  await Promise.all(
    reasons.map((reason, n) =>
      publishNext(data, shelves[n % 3] as StudyShelf, issuer, systemClock.now(), (document) => ({
        reasons: [...document.reasons, reason],
      })),
    ),
  )
  const { document } = await StudyShelf.open(data, trust)
  t.equal(document.version, 13)
  const codes = document.reasons.slice(-12).map(({ code }) => code)
  t.strictSame(codes.sort(), reasons.map(({ code }) => code).sort(), 'no edit was lost')
  await t.resolves(verifyShelf(data, trust), 'each names the one before it')
})

t.test('another program adds a version, and a meeting shows its rival: the alarm, whoever was first', async (t) => {
  for (let round = 0; round < 20; round += 1) {
    const { data, shelf } = await shelfWith(1)
    const [mine, theirs] = [jwsOf(2), await rivalOf(2)]
    const turns = async (count: number) => {
      for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate)
    }
    const adding = turns(round).then(() => StudyShelf.add(data, { jws: mine, version: 2 }))
    const taken = await shelf.take(theirs).catch(({ code }) => code)
    const added = await adding
    const stored = readFileSync(join(data, 'study-documents', '0000000002.jws'), 'utf8')
    t.strictSame([taken, stored], added ? ['STUDY_CONFLICT', mine] : ['newer', theirs], `after ${round} turns`)
  }
})

t.test('a look that takes long does not bring an older document back', async (t) => {
  const { data } = await shelfWith(1)
  const slow: Trust = Object.create(trust)
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  slow.verify = async (jws, kind) => {
    if (jws === jwsOf(2)) await released
    return trust.verify(jws, kind)
  }
  const shelf = await StudyShelf.open(data, slow)
  await StudyShelf.add(data, { jws: jwsOf(2), version: 2 })
  const looking = shelf.refresh()
  await StudyShelf.add(data, { jws: jwsOf(3), version: 3 })
  await shelf.refresh()
  t.equal(shelf.document.version, 3)
  release()
  await looking
  t.equal(shelf.document.version, 3)
})

t.test('leftovers of a crash are no documents; an empty shelf and a damaged one say so', async (t) => {
  const { data, shelf } = await shelfWith(2)
  const directory = join(data, 'study-documents')
  for (const name of ['0000000009.jws.a1b2c3d4e5f6.part', '9.jws', 'notes.txt', '00000000011.jws'])
    writeFileSync(join(directory, name), 'half a document')
  t.equal((await StudyShelf.open(data, trust)).document.version, 2)
  await t.resolves(shelf.refresh())
  writeFileSync(join(directory, '0000000003.jws'), jwsOf(3).slice(0, -10))
  await t.rejects(StudyShelf.open(data, trust), { code: 'BAD_DOCUMENT' })
  rmSync(directory, { recursive: true })
  await t.rejects(StudyShelf.open(data, trust), { code: 'DATA_MISSING' })
})

t.test('verify names the document that does not follow, or does not verify', async (t) => {
  const { data } = await shelfWith(2)
  await StudyShelf.put(data, { jws: jwsOf(3), version: 3 })
  await t.resolves(verifyShelf(data, trust))
  await StudyShelf.put(data, { jws: await rivalOf(2), version: 2 })
  await t.rejects(verifyShelf(data, trust), { code: 'STUDY_CONFLICT', message: /0000000003/ })
  const path = join(data, 'study-documents', '0000000002.jws')
  writeFileSync(path, jwsOf(2).replace(/\.[^.]{10}/, '.AAAAAAAAAA'))
  await t.rejects(verifyShelf(data, trust), { message: /0000000002/ })
})
