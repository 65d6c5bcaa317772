import t, { type Test } from 'tap'
import { decide } from '../../server/own-chain.ts'
import { discardChange, listAside, retryChange, showChange } from '../../server/quarantine.ts'
import { sha256 } from '../../shared/crypto/digest.ts'
import { changeLine } from '../fixtures/craft-batch.ts'
import { Deciding } from '../fixtures/decisions.ts'
import { refused } from '../fixtures/server-run.ts'
import { until } from '../fixtures/until.ts'

t.setTimeout(120_000)

const models = {
  'clinic.subject': { naturalKey: ['identifier'] },
  'clinic.visit': { naturalKey: ['code'], dependsOn: { subject: 'clinic.subject' } },
}
const subject = { model: 'clinic.subject', pk: 's1', naturalKey: ['S-1'], fields: { age: 30 } }
const visit = { model: 'clinic.visit', pk: 'v1', naturalKey: ['1000'], fields: { subject: ['S-1'], weight: 61 } }
const wrong = { ...subject, pk: 's9', naturalKey: ['S', '9'] }
const strange = { model: 'clinic.strange', pk: 'x1', fields: {} }
const list = (deciding: Deciding, ...rest: [('waiting' | 'held' | 'quarantined' | 'discarded')?, number?]) =>
  deciding.at((context) => Array.fromAsync(listAside(context, ...rest)))
const discard = (deciding: Deciding, named: string, who = deciding.rosa) =>
  deciding.at((context) => discardChange(context, who, named))
const retry = (deciding: Deciding, named: string, who = deciding.rosa) =>
  deciding.at((context) => retryChange(context, who, named))

async function begin(t: Test): Promise<Deciding> {
  const deciding = await Deciding.begin(t, models)
  await deciding.bring(0, { id: 'v', ...visit }, { id: 'w', ...wrong }, { id: 'x', ...strange })
  return deciding
}

t.test('what is not applied is listed with why, from whom and since when; one is named by id or digest', async (t) => {
  const deciding = await begin(t)
  const all = await list(deciding)
  t.match(all, [
    {
      state: 'waiting',
      code: 'WAITING_FOR_PARENT',
      model: 'clinic.visit',
      pk: 'v1',
      producerName: 'lap-01',
      decided: null,
    },
    { state: 'quarantined', code: 'CHANGE_UNAPPLICABLE', message: /2 parts/, pk: 's9', since: /^20\d\d-/ },
    { state: 'held', code: 'MODEL_UNREGISTERED', model: 'clinic.strange' },
  ])
  t.same(
    (await list(deciding, 'held')).map(({ pk }) => pk),
    ['x1'],
  )
  t.same(
    (await list(deciding, undefined, all[0]?.position)).map(({ pk }) => pk),
    ['s9', 'x1'],
  )
  const [first] = all
  for (const named of ['v', first?.digest ?? '', first?.digest.slice(0, 8) ?? ''])
    t.match(await deciding.at((context) => showChange(context, named)), { change: visit, state: 'waiting' }, named)
  for (const named of ['gone', first?.digest.slice(0, 7) ?? '', '%', 'f'.repeat(64), `${first?.digest}0`, ''])
    await refused(
      t,
      deciding.at((context) => showChange(context, named)),
      'NOT_FOUND',
      JSON.stringify(named),
    )
})

t.test('two contents of one id: its digest has to be told', async (t) => {
  const deciding = await begin(t)
  await deciding.bring(1, { id: 'v', ...visit, fields: { subject: ['S-1'], weight: 16 } })
  const error = await refused(t, discard(deciding, 'v'), 'BAD_ARGUMENT', 'which of them?')
  const digests = (await list(deciding, 'waiting')).map(({ digest }) => digest)
  for (const digest of digests) t.match(error.message, digest)
  await discard(deciding, digests[1] ?? '')
  await deciding.settled()
  t.same(
    (await list(deciding, 'discarded')).map(({ digest }) => digest),
    [digests[1]],
  )
})

t.test('discard and retry: signed with who and why, told until applied, and taken back', async (t) => {
  const deciding = await begin(t)
  await deciding.server.stop()
  const id = await discard(deciding, 'w')
  t.match(
    await list(deciding, 'quarantined'),
    [{ pk: 's9', decided: 'discard' }],
    'without the program it waits, and says so',
  )
  await refused(t, discard(deciding, 'w', deciding.neo), 'ALREADY_DECIDED', 'by another')
  await refused(t, retry(deciding, 'w', deciding.neo), 'ALREADY_DECIDED', 'and not otherwise either')
  await deciding.server.start()
  await deciding.server.settled()
  t.match(await list(deciding, 'discarded'), [{ pk: 's9', decided: null }])
  const feed = await deciding.server.feed()
  const decision = feed.find(({ change }) => (change as { id: string }).id === id)
  t.match(decision?.change, {
    model: 'waybill.discard',
    ...deciding.rosa,
    fields: { change: 'w', reason: 'seen on paper' },
  })
  await refused(t, discard(deciding, 'w'), 'ALREADY_DECIDED', 'it is discarded')
  await refused(t, discard(deciding, id), 'BAD_ARGUMENT', 'a decision itself')
})

t.test('a discard of what is applied takes it back; trying again brings it back', async (t) => {
  const deciding = await begin(t)
  await deciding.bring(1, { id: 's', ...subject })
  t.match(await deciding.record('clinic.visit', 'v1'), { fields: { weight: 61 } }, 'its parent came')
  await refused(t, retry(deciding, 'v'), 'BAD_ARGUMENT', 'it is applied')
  await discard(deciding, 'v')
  await deciding.settled()
  await refused(t, deciding.record('clinic.visit', 'v1'), 'NOT_FOUND', 'nothing of it is left')
  await retry(deciding, 'v', deciding.neo)
  await deciding.settled()
  t.match(await deciding.record('clinic.visit', 'v1'), { fields: { weight: 61 }, state: 'present' })
  await discard(deciding, 'v')
  await deciding.settled()
  t.match(await list(deciding, 'discarded'), [{ pk: 'v1' }], 'as often as people like')
  t.equal(await deciding.server.verify(), (await deciding.server.status()).counts.opened.batches)
})

t.test('retry reads a change under the newest configuration', async (t) => {
  const deciding = await begin(t)
  await deciding.study.publish(() => ({
    models: { ...models, 'clinic.subject': { naturalKey: ['site', 'identifier'] } },
  }))
  await deciding.settled()
  t.same(
    (await list(deciding, 'quarantined')).map(({ pk }) => pk),
    ['s9'],
    'by itself it stays',
  )
  await retry(deciding, 'w')
  await deciding.settled()
  await until('it is applied', async () => (await list(deciding, 'quarantined')).length === 0)
  t.match(await deciding.record('clinic.subject', 's9'), { naturalKey: ['S', '9'] })
})

t.test('Records 2, invariant 3: a retry that comes before its change is kept until that comes', async (t) => {
  const deciding = await begin(t)
  await deciding.study.publish(() => ({
    models: { ...models, 'clinic.subject': { naturalKey: ['site', 'identifier'] } },
  }))
  const late = { id: 'late', ...wrong, pk: 's8', naturalKey: ['S', '8'] }
  const digest = sha256(changeLine(late))
  const draft = { model: 'waybill.retry', action: 'insert' as const, pk: digest, naturalKey: [], base: [] }
  await deciding.at((context) =>
    decide(context, deciding.rosa, () => ({ ...draft, fields: { change: 'late', digest } })),
  )
  await until('the decision is applied', () =>
    deciding.at(({ store }) => store.$client.prepare('SELECT 1 FROM rereads').get() !== undefined),
  )
  await deciding.bring(0, late)
  t.match(await deciding.record('clinic.subject', 's8'), { naturalKey: ['S', '8'] })
  t.same(
    (await list(deciding, 'quarantined')).map(({ pk }) => pk),
    ['s9'],
    'what nobody spoke of stays',
  )
})

t.test('many decide at once: each change is decided once, and nobody is told otherwise', async (t) => {
  const deciding = await begin(t)
  const results = await Promise.allSettled(
    Array.from({ length: 8 }, (_, at) => discard(deciding, 'w', at % 2 ? deciding.rosa : deciding.neo)),
  )
  t.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
  for (const result of results) if (result.status === 'rejected') t.equal(result.reason.code, 'ALREADY_DECIDED')
  await deciding.settled()
  t.equal((await list(deciding, 'discarded')).length, 1)
})
