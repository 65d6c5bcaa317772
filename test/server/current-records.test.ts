import t from 'tap'
import { currentRecords } from '../../server/current-records.ts'
import { mergeRecords } from '../../server/merge.ts'
import { discardChange } from '../../server/quarantine.ts'
import { readStates } from '../../server/read-states.ts'
import { Deciding } from '../fixtures/decisions.ts'

t.setTimeout(120_000)

t.test('every record once, as it is now; and with its cursor, what has changed since', async (t) => {
  const deciding = await Deciding.begin(t, { 'a.b': { naturalKey: [] }, 'a.c': { naturalKey: [] } })
  const change = (id: string, pk: string, more = {}) => ({ id, model: 'a.b', pk, fields: { from: id }, ...more })
  const all = (model?: string) => deciding.at((context) => Array.fromAsync(currentRecords(context, model)))
  t.same(await all(), [], 'before anything')
  await deciding.bring(
    0,
    change('1', 'x'),
    change('2', 'y'),
    change('3', 'z', { model: 'a.c' }),
    change('w', 'w', { model: 'a.d' }),
  )
  await deciding.bring(0, change('4', 'x', { action: 'update' }), change('5', 'y', { action: 'delete', fields: {} }))
  await deciding.bring(1, change('6', 'v'))
  await deciding.bring(0, change('7', 'u'))
  const [first] = await all()
  t.same(
    (await all()).map(({ pk, state, change: shown, fields }) => [pk, state, shown, fields]),
    [
      ['z', 'present', '3', { from: '3' }],
      ['x', 'present', '4', { from: '4' }],
      ['y', 'deleted', '5', {}],
      ['v', 'present', '6', { from: '6' }],
      ['u', 'present', '7', { from: '7' }],
    ],
  )
  t.same(
    (await all('a.c')).map(({ pk }) => pk),
    ['z'],
  )
  t.same(await all('a.none'), [])
  t.equal(new Set((await all()).map(({ cursor }) => cursor)).size, 1, 'all of one moment')

  await deciding.at((context) => discardChange(context, deciding.rosa, '4'))
  await deciding.at((context) => mergeRecords(context, deciding.rosa, 'a.b', ['u', 'v']))
  await deciding.settled()
  const now = await all()
  t.match(
    now.find(({ pk }) => pk === 'x'),
    { change: '1', fields: { from: '1' } },
    'an earlier change may be shown again',
  )
  t.same(
    now.filter(({ pk }) => pk === 'u' || pk === 'v').map(({ pk, conflict }) => [pk, conflict]),
    [['u', true]],
    'merged: one of both',
  )
  t.notOk(
    now.some(({ model }) => model.startsWith('waybill.')),
    'decisions are no records',
  )
  const since = await deciding.at((context) => Array.fromAsync(readStates(context, first?.cursor)))
  t.same(since.map(({ pk, state }) => `${pk} ${state}`).sort(), ['u present', 'v merged', 'x present'])
})
