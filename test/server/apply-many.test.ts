import t from 'tap'
import type { FeedContext } from '../../server/feed.ts'
import { listRecords } from '../../server/read-records.ts'
import { nextHeld } from '../../server/release-held.ts'
import { Round } from '../../server/round.ts'
import type { Change } from '../../shared/protocol/change.ts'
import { AppliedWorld } from '../fixtures/applied-world.ts'

t.setTimeout(120_000)

const versions = [
  {
    'a.parent': { naturalKey: ['name'] },
    'a.child': { naturalKey: [], dependsOn: { parent: 'a.parent' } },
    'a.link': { naturalKey: ['name'], dependsOn: { before: 'a.link' } },
  },
]

function insert(id: string, model: string, naturalKey: string[], fields: Change['fields']): Change {
  const recordedAt = '2026-11-23T09:00:00.000Z'
  return { id, model, action: 'insert', pk: id, naturalKey, fields, base: [], user: 'ra', recordedAt }
}

function* slices<T>(items: T[], size: number): Generator<T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size)
}

/** Everything in one chain. */
function openAll(world: AppliedWorld, chain: string, changes: Change[]): void {
  let seq = 0
  for (const slice of slices(changes, 5000)) world.open({ producer: 'p1', chain, seq: ++seq, changes: slice })
}

function stateCount(world: AppliedWorld, name: string): number {
  return world.all<{ value: number }>('SELECT value FROM counts WHERE name = ?', name)[0]?.value ?? 0
}

t.test('invariant 10: a parent for which 100,000 children wait frees them a transaction at a time', (t) => {
  const world = new AppliedWorld(versions)
  t.teardown(() => world.close())
  const count = 100_000
  const children = Array.from({ length: count }, (_, index) => insert(`c${index}`, 'a.child', [], { parent: ['P'] }))
  openAll(world, 'c1', children)
  world.apply()
  t.equal(stateCount(world, 'waiting'), count)
  openAll(world, 'c2', [insert('p', 'a.parent', ['P'], {})])
  world.apply(1)
  let [longest, steps] = [0, 0]
  for (let left = stateCount(world, 'waiting'); left > 0; left = stateCount(world, 'waiting')) {
    const began = process.cpuUsage()
    world.apply(1)
    const { user, system } = process.cpuUsage(began)
    longest = Math.max(longest, user + system)
    steps += 1
    if (stateCount(world, 'waiting') === left) break
  }
  world.apply()
  t.equal(stateCount(world, 'applied'), count + 1)
  t.ok(steps >= 100, `${steps} transactions`)
  t.ok(longest < 500_000, `none took the processor for half a second: ${longest} us`)
  t.same(world.all('SELECT 1 FROM waits UNION ALL SELECT 1 FROM freed'), [])
  const [first] = world.all<{ pk: string }>(
    'SELECT pk FROM states s JOIN records r ON r.ordinal = s.record ORDER BY s.position LIMIT 1',
  )
  t.equal(first?.pk, 'p', 'the parent comes first in the feed of states')
  t.end()
})

t.test('10,000 records that each wait for the one before are applied when the first comes', (t) => {
  const world = new AppliedWorld(versions)
  t.teardown(() => world.close())
  const count = 10_000
  const links = Array.from({ length: count }, (_, index) =>
    insert(`l${index}`, 'a.link', [`n${index}`], { before: index === 0 ? null : [`n${index - 1}`] }),
  )
  openAll(world, 'c1', links.slice(1).reverse())
  world.apply()
  t.equal(stateCount(world, 'waiting'), count - 1)
  openAll(world, 'c2', links.slice(0, 1))
  world.apply()
  t.equal(stateCount(world, 'applied'), count)
  const told = world.all<{ pk: string }>(
    'SELECT pk FROM states s JOIN records r ON r.ordinal = s.record ORDER BY s.position',
  )
  t.same(
    told.map(({ pk }) => pk),
    links.map(({ pk }) => pk),
    'parents before children, all the way',
  )
  t.end()
})

t.test(
  'a record with 20,000 changes of two laptops that know nothing of each other, and one of 20,000 made upon the last',
  (t) => {
    const world = new AppliedWorld(versions)
    t.teardown(() => world.close())
    const edit = (id: string, pk: string, base: string[]): Change => ({
      ...insert(id, 'a.parent', ['N'], {}),
      action: 'update',
      pk,
      base,
    })
    const many = 10_000
    const batches = ['c1', 'c2'].map((chain) =>
      Array.from({ length: many }, (_, index) => edit(`${chain}-${index}`, 'hot', [])),
    )
    const upon = Array.from({ length: 2 * many }, (_, index) =>
      edit(`u${index}`, 'warm', index === 0 ? [] : [`u${index - 1}`]),
    )
    for (let at = 0; at < many; at += 500)
      for (const [index, changes] of batches.entries()) {
        const slice = changes.slice(at, at + 500)
        world.open({ producer: `p${index}`, chain: `c${index}`, seq: at / 500 + 1, changes: slice })
      }
    for (let at = 0; at < upon.length; at += 500)
      world.open({
        producer: `q${(at / 500) % 2}`,
        chain: 'c',
        seq: Math.floor(at / 1000) + 1,
        changes: upon.slice(at, at + 500),
      })
    const began = process.cpuUsage()
    world.apply()
    const { user, system } = process.cpuUsage(began)
    t.equal(stateCount(world, 'applied'), 4 * many)
    t.equal(stateCount(world, 'conflicts'), 1)
    t.match(world.all('SELECT pk, conflict, loose FROM records ORDER BY pk'), [
      { pk: 'hot', conflict: 1, loose: 0 },
      { pk: 'warm', conflict: 0, loose: 0 },
    ])
    t.ok(user + system < 20_000_000, `the cost does not grow with what lies behind: ${(user + system) / 1000} ms`)
    t.end()
  },
)

t.test(
  'invariant 8: one change that the program fails at is set aside by itself, and everything else is applied',
  (t) => {
    const world = new AppliedWorld(versions)
    t.teardown(() => world.close())
    const changes = Array.from({ length: 50 }, (_, index) => insert(`c${index}`, 'a.child', [], {}))
    world.open({ producer: 'p1', chain: 'c1', seq: 1, changes })
    world.store.$client.prepare(`UPDATE changes SET about = '{"base"' WHERE number IN (7, 31)`).run()
    world.apply()
    t.same(world.all('SELECT change, state, code FROM aside_changes'), [
      { change: 7, state: 'quarantined', code: 'UNEXPECTED' },
      { change: 31, state: 'quarantined', code: 'UNEXPECTED' },
    ])
    t.same([stateCount(world, 'applied'), stateCount(world, 'quarantined')], [48, 2])
    const [, damaged] = world.all<{ digest: string }>('SELECT hex(digest) digest FROM changes WHERE number IN (7, 31)')
    const fields = { change: 'c30', digest: damaged?.digest.toLowerCase() ?? '' }
    const retry = insert('d1', 'waybill.retry', [], fields)
    world.open({ producer: 's1', chain: 'own', seq: 1, changes: [retry], decides: true })
    world.apply()
    world.readAgain()
    t.same(world.all('SELECT change FROM aside_changes'), [{ change: 7 }], 'a person may have it tried again')
    t.end()
  },
)

t.test('invariant 10: what a person wants tried again is found without walking all changes', async (t) => {
  const world = new AppliedWorld([{}])
  t.teardown(() => world.close())
  const client = world.store.$client
  const asked: string[] = []
  const prepare = client.prepare.bind(client)
  t.intercept(client, 'prepare', {
    value: (sql: string) => {
      asked.push(sql)
      return prepare(sql)
    },
  })
  t.same(nextHeld(world.store, { models: {} }, 0), [])
  t.ok(asked.some((sql) => sql.includes('rereads')))
  for (const sql of [...asked]) {
    const plan = planOf(world, sql)
    t.notMatch(plan, /SCAN c\b|SEARCH c USING INTEGER PRIMARY KEY \(rowid>/, plan)
  }
})

t.test('invariant 10: a record, and whether anybody discarded anything, are found without walking all records', (t) => {
  const world = new AppliedWorld([{}])
  t.teardown(() => world.close())
  const asked: string[] = []
  const round = new Round(world.store, 0)
  t.intercept(round, 'get', {
    value: (sql: string) => {
      asked.push(sql)
    },
  })
  round.recordAt('a.parent', 'p')
  round.some('discards')
  const plans = asked.map((sql) => planOf(world, sql))
  t.match(plans, [/SEARCH records USING INDEX records_place /, /SEARCH records USING .*INDEX records_of_decisions /])
  t.end()
})

t.test(
  'invariant 2: what stands twice in one batch is kept once, two contents of one id are two, and a record is one',
  (t) => {
    const world = new AppliedWorld([{ 'a.parent': { naturalKey: [] } }])
    t.teardown(() => world.close())
    const first = insert('same', 'a.parent', [], { weight: 1 })
    const rest = Array.from({ length: 130 }, (_, index) => ({
      ...insert(`c${index}`, 'a.parent', [], {}),
      pk: `p${index % 7}`,
    }))
    openAll(world, 'c1', [first, first, ...rest, { ...first, fields: { weight: 2 } }, first])
    const counted = world.all('SELECT (SELECT count(*) FROM changes) changes, (SELECT count(*) FROM records) records')
    t.same(counted, [{ changes: 132, records: 8 }])
    t.equal(stateCount(world, 'opened'), 132)
    t.same(world.all('SELECT number FROM repeats ORDER BY number'), [{ number: 2 }, { number: 134 }])
    const twins = world.all("SELECT number FROM changes WHERE about ->> '$.twin' ORDER BY number")
    t.same(twins, [{ number: 1 }, { number: 133 }])
    t.end()
  },
)

t.test('records are listed by their index: neither the others are looked at, nor all sorted', async (t) => {
  const world = new AppliedWorld([{ 'a.parent': { naturalKey: [] } }])
  t.teardown(() => world.close())
  const { $client } = world.store
  const prepared = t.capture($client, 'prepare', $client.prepare)
  await Array.fromAsync(listRecords({ store: world.store } as FeedContext, 'a.parent', '', 10))
  const [asked] = prepared().map(({ args }) => String(args[0]))
  const plan = planOf(world, asked ?? '')
  t.match(plan, /^SEARCH records USING INDEX records_place \(/)
  t.notMatch(plan, 'TEMP B-TREE FOR ORDER BY')
})

function planOf(world: AppliedWorld, sql: string): string {
  const values = Array(sql.split('?').length - 1).fill(0)
  const plan = world.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, ...values)
  return plan.map(({ detail }) => detail).join('\n')
}
