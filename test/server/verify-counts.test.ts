import t from 'tap'
import { verifyRecords } from '../../server/verify-records.ts'
import type { Change } from '../../shared/protocol/change.ts'
import { AppliedWorld, digestOf } from '../fixtures/applied-world.ts'

const models = {
  'a.parent': { naturalKey: ['name'] },
  'a.child': { naturalKey: [], dependsOn: { parent: 'a.parent' } },
}
const world = new AppliedWorld([models])
t.teardown(() => world.close())

function insert(id: string, pk: string, more: Partial<Change>): Change {
  const given = { naturalKey: [], fields: {}, base: [], user: 'ra', recordedAt: '2026-11-23T09:00:00.000Z' }
  return { id, model: 'a.parent', action: 'insert', pk, ...given, ...more }
}

const unwanted = insert('u', 'u', { naturalKey: ['U'] })
const decision = { change: 'u', digest: digestOf(unwanted), reason: 'seen on paper' }
const mine = [
  insert('one', 'p1', { naturalKey: ['N'] }),
  insert('same', 'p2', { naturalKey: ['N'] }),
  insert('wait', 'c1', { model: 'a.child', fields: { parent: ['gone'] } }),
  insert('hold', 'x1', { model: 'a.none' }),
  insert('wrong', 'p3', { naturalKey: ['N', '3'] }),
  unwanted,
]
world.open({ producer: 'p1', chain: 'c1', seq: 1, changes: mine })
world.open({ producer: 'p2', chain: 'c2', seq: 1, changes: [insert('other', 'p1', { naturalKey: ['N'] })] })
const decisions = [insert('d', decision.digest, { model: 'waybill.discard', fields: decision })]
world.open({ producer: 's1', chain: 'c3', seq: 1, decides: true, changes: decisions })
world.apply()

const expected = {
  ...{ opened: 8, settled: 8, applied: 4, waiting: 1, held: 1, quarantined: 1, discarded: 1 },
  ...{ conflicts: 1, duplicates: 1 },
}

t.test('each count is that of its rows, also while changes wait to be applied', (t) => {
  t.same(
    Object.fromEntries(
      world.all<{ name: string; value: number }>('SELECT * FROM counts').map(({ name, value }) => [name, value]),
    ),
    expected,
  )
  verifyRecords(world.store)
  world.open({ producer: 'p2', chain: 'c2', seq: 2, changes: [insert('new', 'p4', { naturalKey: ['4'] })] })
  verifyRecords(world.store)
  world.apply()
  verifyRecords(world.store)
  t.end()
})

t.test('a wrong count is named', (t) => {
  const add = world.store.$client.prepare('UPDATE counts SET value = value + ? WHERE name = ?')
  for (const name of Object.keys(expected))
    for (const by of [1, -1]) {
      t.equal(add.run(by, name).changes, 1)
      const wrong = { code: 'PROVENANCE_BROKEN', message: new RegExp(`the count of ${name} says`) }
      t.throws(() => verifyRecords(world.store), wrong, `${name} by ${by}`)
      add.run(-by, name)
    }
  verifyRecords(world.store)
  t.end()
})
