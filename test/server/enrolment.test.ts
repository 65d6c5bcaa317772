import { join } from 'node:path'
import t from 'tap'
import { answerRequestFile } from '../../server/add-device.ts'
import { createCode, type NewDevice } from '../../server/enrol-code.ts'
import { sha256 } from '../../shared/crypto/digest.ts'
import { type DeviceSecrets, readIdentity } from '../../shared/crypto/identity.ts'
import { deviceIdOf, publicKeyOf } from '../../shared/crypto/keys.ts'
import { type EnrolCode, readEnrolCode } from '../../shared/protocol/enrol-code.ts'
import type { Clock } from '../../shared/service/clock.ts'
import { askServer } from '../../study/ask-server.ts'
import { becomeDevice } from '../../study/become-device.ts'
import { makeDeviceSecrets, makeRequest } from '../../study/device-secrets.ts'
import { refused, TestServer } from '../fixtures/server-run.ts'
import { foundTestStudy } from '../fixtures/study.ts'

let hours = 0
const clock: Clock = {
  now: () => new Date(Date.UTC(2026, 10, 24) + hours * 3_600_000),
  monotonic: () => performance.now(),
}
const study = await foundTestStudy(clock)
t.teardown(() => study.dispose())
const server = await TestServer.start(t, study.server, clock)
const address = `127.0.0.1:${server.port}`

async function codeFor(device: Partial<NewDevice> & { name: string }): Promise<EnrolCode> {
  const wanted: NewDevice = { role: 'field', site: null, ...device }
  return server.opened(({ store, shelf }) => readEnrolCode(createCode(store, shelf.document, wanted, [address], clock)))
}

const ask = (code: EnrolCode, secrets: DeviceSecrets) => askServer(address, code, secrets)
const newKeys = () => makeDeviceSecrets(false)

t.test('a code adds one device, which then is met', async (t) => {
  const keys = await newKeys()
  const data = join(study.directory, 'new-01')
  const added = await becomeDevice(data, keys, await ask(await codeFor({ name: 'new-01' }), keys), study.study)
  t.match(added, { role: 'field', name: 'new-01', server: study.server.device })
  const device = deviceIdOf(publicKeyOf(keys.signing))
  const visitor = server.as({ data, identity: readIdentity(data), device })
  t.ok(await visitor.meet())
  t.match(
    (await server.status()).devices.find((known) => known.device === device),
    { name: 'new-01', revoked: false },
  )
})

t.test('only the digest of a secret is kept', async (t) => {
  const { secret } = await codeFor({ name: 'secret-01' })
  const rows = server.sql<{ secret_digest: string }>('SELECT * FROM codes')
  t.ok(rows.some((row) => row.secret_digest === sha256(secret)))
  t.notOk(JSON.stringify(rows).includes(secret))
})

t.test('a code is bound to the first key that shows it, and the same key gets the same answer', async (t) => {
  const code = await codeFor({ name: 'bound-01' })
  const [first, second] = [await newKeys(), await newKeys()]
  const both = await Promise.allSettled([ask(code, first), ask(code, second), ask(code, first), ask(code, second)])
  const taken = both.filter(({ status }) => status === 'fulfilled')
  t.equal(taken.length, 2, 'of two at once, one has it')
  const [winner, loser] = both[0]?.status === 'fulfilled' ? [first, second] : [second, first]
  const answer = await ask(code, winner)
  t.same(answer, (taken[0] as PromiseFulfilledResult<unknown>).value, 'a lost answer burns nothing')
  const refusal = await refused(t, ask(code, loser), 'CODE_REFUSED', 'another key')
  const unknown = await refused(t, ask({ ...code, secret: 'A'.repeat(22) }, loser), 'CODE_REFUSED', 'a guess')
  t.equal(refusal.message, unknown.message, 'the answer does not say which part was wrong')
  await server.stop()
  await server.start()
  const later = askServer(`127.0.0.1:${server.port}`, code, winner)
  t.same(await later, answer, 'also after the server was started again')
})

t.test('a request that is not signed with its own key is refused, and burns nothing', async (t) => {
  const port = `127.0.0.1:${server.port}`
  const code = await codeFor({ name: 'proof-01' })
  const [mine, theirs] = [await newKeys(), await newKeys()]
  const forged = { ...theirs, signing: mine.signing }
  const asked = await makeRequest(theirs, code.secret)
  const context = await server.opened(async ({ store, identity, shelf, data }) =>
    refused(
      t,
      answerRequestFile(
        { store, identity, shelf, clock, data, addresses: [] },
        { ...asked, proof: (await makeRequest(mine, code.secret)).proof },
        { role: 'field', name: 'proof-01', site: null },
      ),
      'CODE_REFUSED',
      'signed by another',
    ),
  )
  t.ok(context)
  t.ok(await askServer(port, code, forged), 'the code is still good')
})

t.test('an expired code is refused; one that was used before it expired still answers its device', async (t) => {
  const port = `127.0.0.1:${server.port}`
  const [used, unused] = [await codeFor({ name: 'used-01' }), await codeFor({ name: 'unused-01' })]
  const keys = await newKeys()
  const answer = await askServer(port, used, keys)
  hours = 7 * 24 - 1
  const almost = await codeFor({ name: 'almost-01' })
  hours = 7 * 24 + 1
  await refused(t, askServer(port, unused, await newKeys()), 'CODE_REFUSED', 'after a week')
  t.same(await askServer(port, used, keys), answer)
  t.ok(await askServer(port, almost, await newKeys()))
})

t.test('a name is given once, and is one', async (t) => {
  const port = `127.0.0.1:${server.port}`
  await refused(t, codeFor({ name: 'new-01' }), 'BAD_ARGUMENT', 'taken')
  for (const name of ['', ' ', 'n'.repeat(201)]) await refused(t, codeFor({ name }), 'BAD_ARGUMENT', 'no name')
  const [one, two] = [await codeFor({ name: 'twice-01' }), await codeFor({ name: 'twice-01' })]
  const results = await Promise.allSettled([one, two].map(async (code) => askServer(port, code, await newKeys())))
  t.equal(
    results.filter(({ status }) => status === 'fulfilled').length,
    1,
    'of two codes for one name, one adds a device',
  )
  t.match(
    results.find(({ status }) => status === 'rejected'),
    { reason: { code: 'BAD_ARGUMENT' } },
  )
})

t.test('one key is one device: a second code does not make it another', async (t) => {
  const port = `127.0.0.1:${server.port}`
  const keys = await newKeys()
  await askServer(port, await codeFor({ name: 'one-01' }), keys)
  await refused(t, askServer(port, await codeFor({ name: 'other-01' }), keys), 'CODE_REFUSED', 'another name')
  await refused(
    t,
    askServer(port, await codeFor({ name: 'one-02', role: 'relay' }), keys),
    'CODE_REFUSED',
    'another role',
  )
  const device = deviceIdOf(publicKeyOf(keys.signing))
  await study.publish(({ revocations }) => ({
    revocations: [...revocations, { device, chains: [], reason: 'stolen' }],
  }))
  await refused(t, askServer(port, await codeFor({ name: 'one-01' }), keys), 'REVOKED', 'once revoked, never again')
})

t.test('many at once: each is in the study configuration, whose versions follow each other', async (t) => {
  const port = `127.0.0.1:${server.port}`
  const names = Array.from({ length: 12 }, (_, index) => `many-${index}`)
  const codes = await Promise.all(names.map((name) => codeFor({ name })))
  await Promise.all(codes.map(async (code) => askServer(port, code, await newKeys())))
  const known = (await server.status()).devices.map(({ name }) => name)
  for (const name of names) t.ok(known.includes(name), name)
  t.equal(await server.verify(), 0, 'and all of it verifies')
})
