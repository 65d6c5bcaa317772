import { deepStrictEqual } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { linkBatch } from '../../server/branches.ts'
import { verifyRecords } from '../../server/verify-records.ts'
import { sha256 } from '../../shared/crypto/digest.ts'
import type { Change } from '../../shared/protocol/change.ts'
import type { Manifest } from '../../shared/protocol/manifest.ts'
import { AppliedWorld, digestOf } from '../fixtures/applied-world.ts'

t.setTimeout(180_000)

/** A batch of a tree: which one it follows, and which of three records it edits; `null` is the root. */
interface Node {
  follows: number | null
  edits: number[]
}

const versions = [{ 'a.rec': {} }]

const change = (node: number, edit: number, at: number): Change => ({
  ...{ id: `n${node}-${at}`, model: 'a.rec', action: node === 0 ? 'insert' : 'update', pk: `p${edit}`, naturalKey: [] },
  ...{ fields: { node, at }, base: [], user: 'ra', recordedAt: '2026-11-23T09:00:00.000Z' },
})

/** Every node follows an earlier one: a tree of branches, forks within forks among them. */
const tree: fc.Arbitrary<Node[]> = fc
  .array(fc.record({ follows: fc.nat(100), edits: fc.array(fc.nat(2), { maxLength: 2 }) }), {
    minLength: 2,
    maxLength: 9,
  })
  .map((nodes) =>
    // Mostly the one before, so that branches have some length.
    nodes.map(({ follows, edits }, at) => ({ edits, follows: at === 0 ? null : follows > 55 ? follows % at : at - 1 })),
  )

/** The nodes from the root to this one. */
function wayTo(nodes: Node[], at: number): number[] {
  const { follows } = nodes[at] as Node
  return follows === null ? [at] : [...wayTo(nodes, follows), at]
}

/** The rule in one sentence: of a record, a change is a head unless a later one of its own line follows. */
function naiveHeads(nodes: Node[]): Record<string, string[]> {
  const all = nodes.flatMap(({ edits }, node) =>
    edits.map((edit, at) => ({ node, at, change: change(node, edit, at) })),
  )
  const isBefore = (x: (typeof all)[number], y: (typeof all)[number]) =>
    x.node === y.node ? x.at < y.at : wayTo(nodes, y.node).includes(x.node)
  const heads = all.filter((x) => !all.some((y) => y.change.pk === x.change.pk && isBefore(x, y)))
  const found = Map.groupBy(heads, (head) => head.change.pk)
  return Object.fromEntries([...found].map(([pk, of]) => [pk, of.map((head) => digestOf(head.change)).sort()]))
}

/** Stores a batch as ingest does, and opens it. */
function arrive(world: AppliedWorld, nodes: Node[], at: number): void {
  const { $client } = world.store
  const way = wayTo(nodes, at)
  const seq = way.length
  const name = (node: number) => sha256(`node ${node}`)
  const { follows, edits } = nodes[at] as Node
  const previous = follows === null ? null : name(follows)
  world.open({
    producer: 'p',
    chain: 'c',
    seq,
    changes: edits.map((edit, index) => change(at, edit, index)),
    digest: name(at),
    previous,
  })
  const twin =
    $client.prepare('SELECT 1 FROM batches WHERE seq = ? AND manifest_digest != ?').get(seq, name(at)) !== undefined
  if (twin) $client.prepare('UPDATE chains SET fork_at = min(coalesce(fork_at, ?), ?)').run(seq, seq)
  const forkAt = $client.prepare('SELECT fork_at FROM chains').pluck().get() as number | null
  if (forkAt !== null && seq >= forkAt)
    linkBatch(world.store, { producer: 'p', chain: 'c', seq, previous } as Manifest, name(at), twin)
}

function headsIn(world: AppliedWorld): Record<string, string[]> {
  const rows = world.all<{ pk: string; digest: string }>(
    `SELECT r.pk, lower(hex(c.digest)) digest FROM records r JOIN changes c ON c.position IN
     (SELECT change FROM heads WHERE record = r.ordinal AND r.conflict = 1 UNION ALL SELECT r.shown WHERE r.conflict = 0)`,
  )
  const found = Map.groupBy(rows, ({ pk }) => pk)
  return Object.fromEntries([...found].map(([pk, of]) => [pk, of.map(({ digest }) => digest).sort()]))
}

t.test('Releases 2, invariant 3: a tree of branches, in every order of arrival, shows what its lines say', (t) => {
  const world = new AppliedWorld(versions)
  t.teardown(() => world.close())
  let forks = 0
  const holds = (nodes: Node[], order: number[], steps: number[]) => {
    world.empty()
    const left = nodes.map((_, at) => at)
    for (let turn = 0; left.length > 0; turn += 1) {
      const [at] = left.splice((order[turn % order.length] ?? 0) % left.length, 1)
      arrive(world, nodes, at as number)
      world.apply(steps[turn % steps.length], 1 + (turn % 3))
    }
    world.apply()
    deepStrictEqual(headsIn(world), naiveHeads(nodes))
    verifyRecords(world.store)
    forks += world.all('SELECT 1 FROM chains WHERE fork_at IS NOT NULL').length
  }
  const few = fc.array(fc.nat(100), { minLength: 9, maxLength: 9 })
  fc.assert(fc.property(tree, few, fc.array(fc.nat(4), { minLength: 9, maxLength: 9 }), holds), {
    numRuns: 600,
    seed: 20_261_125,
  })
  t.ok(forks > 200, `${forks} of them forked`)
  t.end()
})
