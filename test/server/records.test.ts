import { deepStrictEqual } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { keyDigest } from '../../server/about-change.ts'
import { verifyRecords } from '../../server/verify-records.ts'
import type { Change } from '../../shared/protocol/change.ts'
import { AppliedWorld, digestOf, type WorldBatch, worldOf } from '../fixtures/applied-world.ts'
import { naiveRecords, type Verdicts, type World } from '../fixtures/naive-records.ts'
import { readVerdicts, wrongInFeed } from '../fixtures/read-verdicts.ts'

t.setTimeout(180_000)

/**
 * In the oldest all is too strict; in the next a record needs less than in the newest, and has another natural key. The newest is
 * published while changes come, and only then is there the model `a.late`.
 */
const newest = {
  'a.top': { naturalKey: ['name'] },
  'a.rec': { naturalKey: ['name'], dependsOn: { top: 'a.top', rec: 'a.rec' } },
  'a.off': { offline: false },
}
const versions: World['versions'] = [
  {
    'a.top': { naturalKey: ['site', 'name'] },
    'a.rec': { naturalKey: ['site', 'name'] },
    'a.late': { naturalKey: ['site', 'name'] },
    'a.off': { naturalKey: ['name'], dependsOn: { top: 'a.top' } },
  },
  { 'a.top': { naturalKey: ['name'] }, 'a.rec': { dependsOn: { rec: 'a.rec' } }, 'a.off': { offline: false } },
  newest,
  { ...newest, 'a.late': { naturalKey: ['name'], dependsOn: { rec: 'a.rec' } } },
]

const ids = ['i1', 'i2', 'i3', 'i4', 'i5']
const pks = ['p1', 'p2', 'é3']
const names = ['n1', 'n2']

/** Few ids, pks and names, so that they meet. */
const change: fc.Arbitrary<Change> = fc
  .record({
    id: fc.constantFrom(...ids),
    model: fc.oneof(
      { weight: 6, arbitrary: fc.constant('a.rec') },
      fc.constantFrom('a.top', 'a.late', 'a.off', 'a.none'),
    ),
    action: fc.constantFrom('insert', 'update', 'update', 'delete'),
    pk: fc.oneof({ weight: 3, arbitrary: fc.constant('p1') }, fc.constantFrom(...pks)),
    name: fc.option(fc.constantFrom(...names), { nil: undefined }),
    base: fc.uniqueArray(fc.constantFrom(...ids), { maxLength: 2 }),
    parent: fc.oneof(
      { weight: 5, arbitrary: fc.constant({}) },
      fc.constantFrom(...pks).map((top) => ({ top })),
      fc.constantFrom(...names).map((name) => ({ top: [name] })),
      fc.constantFrom(...pks).map((rec) => ({ rec })),
      fc.constantFrom(...names).map((name) => ({ rec: [name] })),
    ),
    value: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ name, parent, value, ...rest }) => ({
    ...{ ...rest, naturalKey: name === undefined ? [] : [name], fields: { ...parent, value } },
    ...{ user: 'ra', recordedAt: '2026-11-23T09:00:00.000Z' },
  }))
  // Most are well formed; what is not is quarantined.
  .map((made) =>
    made.naturalKey.length === 0 && made.fields.value !== 3 ? { ...made, naturalKey: [`own-${made.pk}`] } : made,
  )

const decided = (model: string, pk: string, action: Change['action'], fields: object): Change => ({
  ...{ id: `d-${model}-${pk}-${action}-${JSON.stringify(fields)}`.slice(0, 200), model, action, pk, naturalKey: [] },
  ...{ fields: fields as Change['fields'], base: [], user: 'manager', recordedAt: '2026-11-24T09:00:00.000Z' },
})

interface Plan {
  pool: Change[]
  chains: Array<{
    producer: string
    chain: string
    version: number
    batches: number[][]
    continues: [number, number] | undefined
  }>
  decisions: Array<{ kind: number; of: number; take: boolean; producer: string }>
  /** When the newest study configuration is published, at the latest. */
  published: number
  order: number[]
  steps: number[]
}

const plan: fc.Arbitrary<Plan> = fc.record({
  pool: fc.array(change, { minLength: 1, maxLength: 9 }),
  chains: fc.array(
    fc.record({
      producer: fc.constantFrom('p1', 'p1', 'p2'),
      chain: fc.constantFrom('c1', 'c2', 'c3'),
      batches: fc.array(fc.array(fc.nat(8), { maxLength: 3 }), { minLength: 1, maxLength: 3 }),
      version: fc.constantFrom(0, 1, 2, 3, 3),
      continues: fc.option(fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 3 })), { nil: undefined }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  decisions: fc.array(
    fc.record({
      kind: fc.nat(7),
      of: fc.nat(8),
      take: fc.boolean(),
      producer: fc.constantFrom('s1', 's1', 'p1'),
    }),
    { maxLength: 6 },
  ),
  published: fc.nat(8),
  order: fc.array(fc.nat(100), { minLength: 20, maxLength: 20 }),
  steps: fc.array(fc.nat(4), { minLength: 20, maxLength: 20 }),
})

/** The batches of a plan: each place once, and what each server and laptop says, in its own chain. */
function batchesOf({ pool, chains, decisions }: Plan): WorldBatch[] {
  const made = new Map<string, WorldBatch>()
  for (const { producer, chain, batches, continues, version } of chains)
    for (const [index, of] of batches.entries()) {
      const name = `${producer}.${chain}.${index + 1}`
      if (made.has(name)) continue
      const changes = of.flatMap((at) => pool[at] ?? [])
      const older = index === 0 && continues ? { chain: `c${continues[0] + 1}`, seq: continues[1] } : undefined
      made.set(name, {
        ...{ producer, chain, seq: index + 1, changes, version },
        ...(older && older.chain !== chain ? { continues: older } : {}),
      })
    }
  let seq = 0
  for (const { kind, of, take, producer } of decisions) {
    const told = decisionOn(pool[of % pool.length] as Change, kind)
    const taken = decided(told.model, told.pk, 'delete', {})
    for (const one of take ? [told, taken] : [told])
      made.set(`decision ${++seq}`, { producer, chain: 'own', seq, changes: [one], decides: producer === 's1' })
  }
  return [...made.values()]
}

function decisionOn(target: Change, kind: number): Change {
  const digest = digestOf(target)
  if (kind > 3) return retryOf(target, kind)
  if (kind < 2) return decided('waybill.discard', digest, 'insert', { change: target.id, digest, reason: 'wrong' })
  const [first, ...rest] = kind === 2 ? pks : pks.slice(1)
  return decided('waybill.merge', `m${kind}`, 'insert', { model: 'a.rec', pks: [first, rest[0]], reason: 'one' })
}

/** As people make it; another one of the same record with another reason; and two of which each may be another target's. */
function retryOf(target: Change, kind: number): Change {
  const digest = digestOf(target)
  const reason = kind === 5 ? 'once more' : 'the registry was wrong'
  return decided('waybill.retry', kind < 6 ? digest : `r${kind}`, 'insert', { change: target.id, digest, reason })
}

/** Natural keys by their digests. */
const keys = new Map(
  [...names, ...pks.map((pk) => `own-${pk}`)].flatMap((name) =>
    Object.keys(versions[3] ?? {}).map((model) => [
      keyDigest(model, [name]).toString('base64url'),
      `${model} ${JSON.stringify([name])}`,
    ]),
  ),
)

/** Lets the batches come in the plan's order, applying now and then, broken off now and then. */
function arrive(world: AppliedWorld, batches: WorldBatch[], { published, order, steps }: Plan): void {
  const left = [...batches]
  world.publish(versions.length - 1)
  for (let turn = 0; left.length > 0; turn++) {
    const [batch] = left.splice((order[turn % order.length] ?? 0) % left.length, 1)
    // Nobody seals by what is not published.
    if (turn >= published || batch?.version === versions.length - 1) world.publish(versions.length)
    if (batch) world.open(batch)
    const step = steps[turn % steps.length] ?? 0
    if (step === 4) world.breakOff(2)
    world.apply(step, 1 + (turn % 3))
    if (step > 1) world.readAgain()
  }
  world.publish(versions.length)
  for (let round = 0; round < 2; round++) {
    world.apply(undefined, 1 + (order.length % 3))
    world.readAgain()
  }
  world.apply()
}

/** What the database counts, in the words of the naive model. */
function countsOf(world: AppliedWorld): Record<string, number> {
  const counts = world.all<{ name: string; value: number }>('SELECT name, value FROM counts WHERE value <> 0')
  return Object.fromEntries(counts.filter(({ name }) => name !== 'opened').map(({ name, value }) => [name, value]))
}

function countedBy({ records, states, duplicates }: Verdicts): Record<string, number> {
  const counts: Record<string, number> = { settled: 0 }
  const add = (name: string, by: number) => {
    if (by > 0) counts[name] = (counts[name] ?? 0) + by
  }
  for (const state of Object.values(states)) for (const name of [state, 'settled']) add(name, 1)
  add('conflicts', records.filter(({ heads }) => heads.length > 1).length)
  add('duplicates', duplicates.length)
  if (counts.settled === 0) delete counts.settled
  return counts
}

const inserted = (id: string, fields: Change['fields']): Change => ({
  ...{ id, model: 'a.rec', action: 'insert', pk: 'p1', naturalKey: ['own-p1'], fields, base: [] },
  ...{ user: 'ra', recordedAt: '2026-11-23T09:00:00.000Z' },
})

/** A chain whose first batch comes late continues another whose first batch comes later still. It was wrong once. */
const lateCircle: Plan = {
  pool: [inserted('i1', { top: 'p1', value: 1 }), inserted('i1', { top: ['n1'], value: 1 })],
  chains: [
    { producer: 'p1', chain: 'c1', batches: [[]], version: 0, continues: undefined },
    { producer: 'p1', chain: 'c2', batches: [[], [1]], version: 0, continues: [2, 2] },
    { producer: 'p2', chain: 'c1', batches: [[0], []], version: 0, continues: undefined },
    { producer: 'p1', chain: 'c3', batches: [[], [0], []], version: 0, continues: [1, 1] },
  ],
  decisions: [],
  published: 0,
  order: [66, 22, 67, 0, 22, 0],
  steps: [1, 0, 0, 0, 0, 1],
}

/** Two contents of one id; one is applied only when a person has it tried again, after what was made upon both. */
const lateTwin: Plan = {
  pool: [
    inserted('i1', { value: 1 }),
    { ...inserted('i2', { value: 1 }), action: 'update', base: ['i1'] },
    inserted('i1', { value: 2 }),
  ],
  chains: [{ producer: 'p1', chain: 'c1', batches: [[0, 1, 2]], version: 0, continues: undefined }],
  decisions: [0, 1, 2].map((of) => ({ kind: 4, of, take: false, producer: 's1' })),
  published: 0,
  order: [0],
  steps: [3],
}

const runs = 500
const seed = 20_261_125

t.test('Records 1 to 13, invariant 3: whatever the order of arrival, what is shown is what the sentences say', (t) => {
  const world = new AppliedWorld(versions)
  t.teardown(() => world.close())
  let most = 0
  const holds = (made: Plan) => {
    const batches = batchesOf(made)
    world.empty()
    arrive(world, batches, made)
    const expected = naiveRecords(worldOf(batches, versions))
    deepStrictEqual(readVerdicts(world.store, keys), expected)
    deepStrictEqual(wrongInFeed(world.store), [], 'the feed of states ends with what is shown')
    deepStrictEqual(countsOf(world), countedBy(expected))
    verifyRecords(world.store)
    most = Math.max(most, Object.keys(expected.states).length)
  }
  fc.assert(fc.property(plan, holds), { numRuns: runs, seed, examples: [[lateCircle], [lateTwin]] })
  t.ok(most > 8, 'worlds of some size')
  t.end()
})

t.test('two records that bear one key, one of them only for a moment, are no duplicates in the end', async (t) => {
  const world = new AppliedWorld(versions)
  t.teardown(() => world.close())
  const first = { ...inserted('a1', { value: 1 }), naturalKey: ['shared'] }
  const second = { ...first, id: 'b1', pk: 'p2' }
  const corrected = { ...second, id: 'b2', action: 'update' as const, naturalKey: ['its own'] }
  // All in one transaction: what was looked up at its beginning is not what is there at its end.
  world.open({ producer: 'p1', chain: 'c1', seq: 1, changes: [first, second, corrected] })
  world.apply()
  t.strictSame(world.all('SELECT * FROM duplicates'), [])
  t.equal(countsOf(world).duplicates, undefined)
})

t.test('what a record shows, its heads, its keys and what waits are verified', (t) => {
  const spoiled: Array<[why: string, sql: string, names: RegExp]> = [
    ['what it shows', 'UPDATE records SET shown = 1 WHERE ordinal = 1', /record p1 .* show/],
    ['whether it is there', "UPDATE records SET state = 'deleted' WHERE ordinal = 1", /record p1 .* show/],
    ['where it is found', 'UPDATE records SET place_hash = 0 WHERE ordinal = 1', /record p1 .* found/],
    ['whether there is a conflict', 'UPDATE records SET conflict = 0 WHERE ordinal = 2', /record p2 .* heads/],
    ['a head', 'DELETE FROM heads WHERE change = 3', /record p2 .* heads/],
    ['a natural key', 'DELETE FROM natural_keys WHERE record = 1', /record p1 .* keys/],
    ['what waits', 'DELETE FROM waits', /place 5 .* for nothing/],
    ['a change that is set aside', "UPDATE aside_changes SET change = 99, state = 'held'", /place 99 .* for nothing/],
  ]
  for (const [why, sql, names] of spoiled) {
    const world = new AppliedWorld(versions)
    t.teardown(() => world.close())
    const first = inserted('a1', { value: 1 })
    const twice = { ...first, pk: 'p2', naturalKey: ['own-p2'] }
    world.open({ producer: 'p1', chain: 'c1', seq: 1, changes: [first, { ...first, id: 'a2', action: 'update' }] })
    world.open({ producer: 'p1', chain: 'c1', seq: 2, changes: [{ ...twice, id: 'b1' }] })
    world.open({
      producer: 'p2',
      chain: 'c1',
      seq: 1,
      changes: [
        { ...twice, id: 'b2' },
        { ...inserted('w', { rec: 'p9' }), pk: 'p8' },
      ],
    })
    world.apply()
    verifyRecords(world.store)
    world.store.$client.exec(sql)
    t.throws(() => verifyRecords(world.store), { code: 'PROVENANCE_BROKEN', message: names }, why)
  }
  t.end()
})
