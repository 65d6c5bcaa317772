import t, { type Test } from 'tap'
import { listConflicts, type Resolution, resolveConflict, showConflict } from '../../server/conflicts.ts'
import { Deciding } from '../fixtures/decisions.ts'
import { refused } from '../fixtures/server-run.ts'

t.setTimeout(120_000)

const models = { 'clinic.subject': { naturalKey: ['identifier'] } }
const place = { model: 'clinic.subject', pk: 's1' }
const subject = { ...place, naturalKey: ['S-1'] }
const resolve = (deciding: Deciding, resolution: Omit<Resolution, 'model' | 'pk'>, who = deciding.rosa) =>
  deciding.at((context) => resolveConflict(context, who, { ...place, ...resolution }))
const list = (deciding: Deciding) => deciding.at((context) => listConflicts(context))

/** Both laptops edit what one of them made. */
async function begin(t: Test): Promise<Deciding> {
  const deciding = await Deciding.begin(t, models)
  await deciding.bring(0, { id: 'a', ...subject, fields: { age: 30, sex: 'F' } })
  await deciding.bring(0, { id: 'b', ...subject, action: 'update', fields: { age: 31, sex: 'F' }, base: ['a'] })
  await deciding.bring(1, { id: 'c', ...subject, action: 'update', fields: { age: 32, sex: 'F' }, base: ['a'] })
  return deciding
}

t.test('a conflict is listed and shown side by side, with what differs', async (t) => {
  const deciding = await begin(t)
  t.match(await list(deciding), [{ ...place, heads: 2, since: /^20\d\d-/ }])
  const conflict = await deciding.at((context) => showConflict(context, 'clinic.subject', 's1'))
  t.match(conflict, { ...place, pks: ['s1'], differs: ['age'] })
  t.same(conflict.heads.map(({ change }) => change.id).sort(), ['b', 'c'])
  t.match(
    await deciding.record('clinic.subject', 's1'),
    { change: conflict.heads[0]?.change.id },
    'the shown one is first',
  )
  await deciding.bring(1, { id: 'z', ...subject, pk: 's2', naturalKey: ['S-2'] })
  await refused(
    t,
    deciding.at((context) => showConflict(context, 'clinic.subject', 's2')),
    'NOT_FOUND',
    'none',
  )
  await refused(
    t,
    deciding.at((context) => showConflict(context, 'clinic.subject', 'no')),
    'NOT_FOUND',
    'nothing',
  )
})

t.test('resolved by a head: who and why are in the history, and the heads are what it was made upon', async (t) => {
  const deciding = await begin(t)
  const right = (await deciding.heads('clinic.subject', 's1')).find(({ change }) => change.id === 'c')
  const id = await resolve(deciding, { head: right?.digest.slice(0, 10) })
  await refused(t, resolve(deciding, { head: right?.digest }, deciding.neo), 'ALREADY_DECIDED', 'not applied yet')
  const { records } = await deciding.settled()
  t.equal(records.conflicts, 0)
  t.match(await deciding.record('clinic.subject', 's1'), { change: id, fields: { age: 32 }, conflict: false })
  const [head] = await deciding.heads('clinic.subject', 's1')
  t.match(head?.change, { action: 'update', ...deciding.rosa, naturalKey: ['S-1'] })
  t.same(head?.change.base.toSorted(), ['b', 'c'])
  t.same(await list(deciding), [])
  await refused(t, resolve(deciding, { head: right?.digest }), 'NOT_FOUND', 'there is no conflict any more')
})

t.test('resolved by fields; a field that is left out is gone', async (t) => {
  const deciding = await begin(t)
  await resolve(deciding, { fields: { age: 33 } })
  await deciding.settled()
  t.same((await deciding.record('clinic.subject', 's1')).fields, { age: 33 })
})

t.test('what resolves nothing is refused', async (t) => {
  const deciding = await begin(t)
  for (const head of ['', 'ffffffff', undefined])
    await refused(t, resolve(deciding, { head }), 'BAD_ARGUMENT', `head ${head}`)
  await refused(t, resolve(deciding, { fields: { x: '\ud800' } }), 'CHANGE_INVALID', 'half a character')
  await refused(t, resolve(deciding, { fields: { x: 'x'.repeat(1_048_576) } }), 'CHANGE_TOO_LARGE', 'too much')
  await deciding.study.publish(() => ({ models: { 'clinic.subject': { naturalKey: ['site', 'identifier'] } } }))
  await refused(
    t,
    resolve(deciding, { fields: { age: 1 } }),
    'CHANGE_UNAPPLICABLE',
    'a key that the registry does not know',
  )
  await deciding.study.publish(() => ({ models: {} }))
  await refused(t, resolve(deciding, { fields: { age: 1 } }), 'MODEL_UNREGISTERED', 'a model that is no more')
  t.equal((await list(deciding)).length, 1)
})

t.test('a head that was not seen opens it again: it raced the resolution, or came later', async (t) => {
  const deciding = await begin(t)
  const seen = (await deciding.heads('clinic.subject', 's1')).map(({ digest }) => digest)
  await deciding.bring(1, { id: 'd', ...subject, action: 'update', fields: { age: 34 }, base: ['a'] })
  t.same((await deciding.heads('clinic.subject', 's1')).map(({ change }) => change.id).sort(), ['b', 'd'])
  await refused(t, resolve(deciding, { fields: { age: 40 }, seen }), 'ALREADY_DECIDED', 'one of those is superseded')
  const b = (await deciding.heads('clinic.subject', 's1')).find(({ change }) => change.id === 'b')
  await resolve(deciding, { head: b?.digest, seen: [b?.digest ?? ''] })
  await deciding.settled()
  const [entry] = await list(deciding)
  t.match(entry, { heads: 2 }, 'who had seen only one has decided upon that one')
  t.ok((await deciding.heads('clinic.subject', 's1')).some(({ change }) => change.id === 'd'))
  await resolve(deciding, { fields: { age: 41 } })
  await deciding.settled()
  t.same(await list(deciding), [])
  await deciding.bring(0, { id: 'e', ...subject, action: 'update', fields: { age: 35 }, base: ['b'] })
  t.match(await list(deciding), [{ heads: 2 }], 'an edit by who did not know of it')
  t.equal(await deciding.server.verify(), (await deciding.server.status()).counts.opened.batches)
})

t.test('an edit against a delete: either may be right', async (t) => {
  const deciding = await begin(t)
  await deciding.bring(1, { id: 'd', ...subject, action: 'delete', naturalKey: [], fields: {}, base: ['c'] })
  const conflict = await deciding.at((context) => showConflict(context, 'clinic.subject', 's1'))
  const gone = conflict.heads.find(({ change }) => change.action === 'delete')
  await resolve(deciding, { head: gone?.digest })
  await deciding.settled()
  t.match(await deciding.record('clinic.subject', 's1'), { state: 'deleted', conflict: false })
  await deciding.bring(0, { id: 'f', ...subject, action: 'update', fields: { age: 50 }, base: ['b'] })
  const again = await deciding.at((context) => showConflict(context, 'clinic.subject', 's1'))
  const deleted = again.heads.find(({ change }) => change.action === 'delete')
  await resolve(deciding, { head: deleted?.digest, fields: { age: 51 } })
  await deciding.settled()
  t.match(await deciding.record('clinic.subject', 's1'), { state: 'present', naturalKey: ['S-1'], fields: { age: 51 } })
})

t.test('two deciders at once: one decides, the other is told so', async (t) => {
  const deciding = await begin(t)
  const results = await Promise.allSettled([
    ...[40, 41, 42].map((age) => resolve(deciding, { fields: { age } }, deciding.neo)),
  ])
  t.same(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected', 'rejected'])
  await deciding.settled()
  t.same(await list(deciding), [])
})
