import t, { type Test } from 'tap'
import { resolveConflict, showConflict } from '../../server/conflicts.ts'
import { listDuplicates, listMerges, mergeRecords, retractMerge } from '../../server/merge.ts'
import { Deciding } from '../fixtures/decisions.ts'
import { refused } from '../fixtures/server-run.ts'

t.setTimeout(120_000)

const model = 'clinic.subject'
const models = { [model]: { naturalKey: ['identifier'] } }
const merge = (deciding: Deciding, ...pks: string[]) =>
  deciding.at((context) => mergeRecords(context, deciding.rosa, model, pks))
const retract = (deciding: Deciding, named: string) =>
  deciding.at((context) => retractMerge(context, deciding.neo, named))
const merges = (deciding: Deciding) => deciding.at((context) => listMerges(context))
const duplicates = (deciding: Deciding) => deciding.at((context) => Array.fromAsync(listDuplicates(context)))
const pksOf = async (deciding: Deciding, pk: string) => (await deciding.record(model, pk)).pks

/** Records p1 to p4, of which p1 and p2 bear one natural key. */
async function begin(t: Test): Promise<Deciding> {
  const deciding = await Deciding.begin(t, models)
  const key: Record<string, string> = { p1: 'S-1', p2: 'S-1', p3: 'S-3', p4: 'S-4' }
  for (const [pk, identifier] of Object.entries(key))
    await deciding.push(pk === 'p2' ? 1 : 0, { id: pk, model, pk, naturalKey: [identifier], fields: { from: pk } })
  await deciding.settled()
  return deciding
}

t.test('one natural key under two pks is found, merged, and parted again', async (t) => {
  const deciding = await begin(t)
  t.match(await duplicates(deciding), [{ model, records: [{ pk: 'p1', naturalKey: ['S-1'] }, { pk: 'p2' }] }])
  const decision = await merge(deciding, 'p2', 'p1')
  await refused(t, merge(deciding, 'p1', 'p2'), 'ALREADY_DECIDED', 'the same, not applied yet')
  await deciding.settled()
  t.same(await duplicates(deciding), [])
  t.same(await pksOf(deciding, 'p2'), ['p1', 'p2'])
  const [found] = await merges(deciding)
  t.match(found, { model, pks: ['p2', 'p1'], ...deciding.rosa, change: decision, decidedAt: /^20/ })
  await refused(t, merge(deciding, 'p1', 'p2'), 'ALREADY_DECIDED', 'merged already')
  const id = found?.merge ?? ''
  await retract(deciding, id.slice(0, 8))
  await refused(t, retract(deciding, id), 'ALREADY_DECIDED', 'retracted, not applied yet')
  await deciding.settled()
  t.same([await merges(deciding), await pksOf(deciding, 'p2')], [[], ['p2']])
  t.match(await duplicates(deciding), [{ records: [{ pk: 'p1' }, { pk: 'p2' }] }], 'and found again')
  await refused(t, retract(deciding, id), 'NOT_FOUND', 'it is not in force any more')
})

t.test('what cannot be merged is refused', async (t) => {
  const deciding = await begin(t)
  await refused(t, merge(deciding, 'p1'), 'BAD_ARGUMENT', 'one')
  await refused(t, merge(deciding, 'p1', 'p1'), 'BAD_ARGUMENT', 'the same twice')
  await refused(t, merge(deciding, 'p1', 'p2', 'p1'), 'BAD_ARGUMENT', 'one of three twice')
  await refused(t, merge(deciding, ...Array.from({ length: 101 }, (_, at) => `p${at}`)), 'BAD_ARGUMENT', 'too many')
  await refused(t, merge(deciding, 'p1', 'p9'), 'NOT_FOUND', 'one that is not here')
  const others = deciding.at((context) => mergeRecords(context, deciding.rosa, 'waybill.merge', ['a', 'b']))
  await refused(t, others, 'BAD_ARGUMENT', 'decisions')
  for (const named of ['', 'abc', '%%%%%%%%', 'f'.repeat(32)])
    await refused(t, retract(deciding, named), 'NOT_FOUND', named)
})

t.test('merges of merged records, and retractions in any order', async (t) => {
  for (const order of [
    [0, 1],
    [1, 0],
  ]) {
    const deciding = await begin(t)
    await merge(deciding, 'p1', 'p2')
    await merge(deciding, 'p2', 'p3')
    await deciding.settled()
    t.same(await pksOf(deciding, 'p3'), ['p1', 'p2', 'p3'])
    await refused(t, merge(deciding, 'p3', 'p1'), 'ALREADY_DECIDED', 'they are together by way of another')
    await merge(deciding, 'p3', 'p4')
    await deciding.settled()
    t.same(await pksOf(deciding, 'p4'), ['p1', 'p2', 'p3', 'p4'])
    const ids = (await merges(deciding)).map(({ merge }) => merge)
    await retract(deciding, ids[order[0] ?? 0] ?? '')
    await deciding.settled()
    t.same(await pksOf(deciding, 'p4'), order[0] === 0 ? ['p2', 'p3', 'p4'] : ['p3', 'p4'])
    await retract(deciding, ids[order[1] ?? 0] ?? '')
    await deciding.settled()
    t.same(
      await Promise.all(['p1', 'p2', 'p4'].map((pk) => pksOf(deciding, pk))),
      [['p1'], ['p2'], ['p3', 'p4']],
      `retracted in the order ${order.join(', ')}`,
    )
    t.equal(await deciding.server.verify(), (await deciding.server.status()).counts.opened.batches)
    await deciding.server.stop()
  }
})

t.test('a merge makes heads of both meet; the conflict is resolved upon all, and parts with the merge', async (t) => {
  const deciding = await begin(t)
  await merge(deciding, 'p1', 'p2')
  await deciding.settled()
  const conflict = await deciding.at((context) => showConflict(context, model, 'p2'))
  t.match(conflict, { pk: 'p1', pks: ['p1', 'p2'], differs: ['from'] })
  const resolution = { model, pk: 'p2', fields: { from: 'both' } }
  await deciding.at((context) => resolveConflict(context, deciding.rosa, resolution))
  await refused(
    t,
    deciding.at((context) => resolveConflict(context, deciding.neo, { ...resolution, pk: 'p1' })),
    'ALREADY_DECIDED',
    'by its other pk',
  )
  await deciding.settled()
  t.match(await deciding.record(model, 'p2'), { pk: 'p1', fields: { from: 'both' }, conflict: false })
  await retract(deciding, (await merges(deciding))[0]?.merge ?? '')
  await deciding.settled()
  t.match(
    await deciding.record(model, 'p1'),
    { fields: { from: 'both' }, pks: ['p1'] },
    'what was decided is of the record it was decided on',
  )
  t.match(await deciding.record(model, 'p2'), { fields: { from: 'p2' }, pks: ['p2'] }, 'the other is as it was')
})
