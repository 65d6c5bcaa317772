import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { readIdentity } from '../../shared/crypto/identity.ts'
import { publicKeyOf, studyIdOf } from '../../shared/crypto/keys.ts'
import { systemClock } from '../../shared/service/clock.ts'
import { StudyShelf } from '../../shared/storage/study-shelf.ts'
import { verifyShelf } from '../../shared/storage/verify-shelf.ts'
import { defaultKitPath, foundStudy, issuerOf, readKit } from '../../study/found.ts'
import { foundTestStudy, trustOf } from '../fixtures/study.ts'

const directory = mkdtempSync(join(tmpdir(), 'waybill-'))
t.teardown(() => rmSync(directory, { recursive: true }))
const at = (name: string) => join(directory, name)
const modeOf = (path: string) => statSync(path).mode & 0o777

t.test(
  'a study is founded: an authority that is not kept here, a server, and a first document that verifies',
  async (t) => {
    const data = at('s')
    const { study, server } = await foundStudy('Ambition', data, at('kit.json'), systemClock)
    const identity = readIdentity(data)
    const kit = readKit(at('kit.json'))
    t.equal(study, studyIdOf(publicKeyOf(kit.authorityPrivateKey)), 'the study id is the digest of the authority key')
    t.equal(study, identity.study)
    const trust = await trustOf(identity)
    const shelf = await StudyShelf.open(data, trust)
    t.match(shelf.document, { name: 'Ambition', version: 1, previous: null, servers: [server] })
    t.strictSame(
      shelf.document.recipients.map(({ holder }) => holder),
      ['server', 'recovery'],
    )
    await t.resolves(verifyShelf(data, trust))
    const stored = (readdirSync(data, { recursive: true, withFileTypes: true }) ?? [])
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
      .join()
    for (const secret of [kit.authorityPrivateKey, kit.recoveryIdentity])
      t.notOk(stored.includes(JSON.stringify(secret).slice(1, -1)), 'what leaves with the kit is nowhere else')
    t.equal(issuerOf(identity).study, study)
  },
)

t.test('identity and kit are readable by their owner alone', async (t) => {
  t.equal(modeOf(join(at('s'), 'identity.json')), 0o600)
  t.equal(modeOf(at('kit.json')), 0o600)
  t.equal(modeOf(at('s')) & 0o007, 0)
})

t.test('nothing is founded over a device, and no kit replaces another: it may be the only one', async (t) => {
  const before = readFileSync(at('kit.json'), 'utf8')
  await t.rejects(foundStudy('Again', at('s'), at('kit-2.json'), systemClock), { code: 'DATA_OCCUPIED' })
  await t.rejects(foundStudy('Another', at('s2'), at('kit.json'), systemClock), {
    code: 'DATA_OCCUPIED',
    message: /kit\.json/,
  })
  t.equal(readFileSync(at('kit.json'), 'utf8'), before)
  t.throws(() => readIdentity(at('s2')), { code: 'DATA_MISSING' }, 'and no study was founded')
  await t.resolves(foundStudy('Another', at('s2'), defaultKitPath(at('s2')), systemClock))
  t.not(readKit(defaultKitPath(at('s2'))).study, JSON.parse(before).study)
})

t.test('a kit that is none is refused', async (t) => {
  writeFileSync(at('bad-1.json'), 'text')
  writeFileSync(at('bad-2.json'), JSON.stringify({ ...readKit(at('kit.json')), study: 'x' }))
  for (const name of ['bad-1.json', 'bad-2.json', 'none.json'])
    t.throws(() => readKit(at(name)), { code: 'BAD_ARGUMENT', message: new RegExp(name) })
})

t.test('an identity that was damaged is not taken for none', async (t) => {
  const path = join(at('s2'), 'identity.json')
  const whole = readFileSync(path, 'utf8')
  writeFileSync(path, whole.slice(0, 100))
  t.throws(() => readIdentity(at('s2')), { code: 'STORAGE_FAILED' })
  await t.rejects(foundStudy('Over it', at('s2'), at('kit-3.json'), systemClock), { code: 'STORAGE_FAILED' })
  const { secrets: _, ...rest } = JSON.parse(whole)
  writeFileSync(path, JSON.stringify(rest))
  t.throws(() => readIdentity(at('s2')), { code: 'BAD_DOCUMENT', message: /secrets/ })
})

t.test('only the server that founded the study adds devices', async (t) => {
  const study = await foundTestStudy()
  t.teardown(() => study.dispose())
  const { identity } = await study.enrol('relay', 'driver')
  t.throws(() => issuerOf({ ...identity, secrets: { ...identity.secrets } }), { code: 'ROLE_REFUSED' })
})
