import type { Manifest } from '../shared/protocol/manifest.ts'
import { prepared } from '../shared/storage/prepared.ts'
import type { ServerStore } from './open-store.ts'

/** A batch of a forked chain, as its manifest links it. */
interface Linked {
  ordinal: number
  digest: string
  previous: string | null
  seq: number
  branch: string | null
}

/** From which number on a chain has branches; null where it has not forked. */
export function forkOf({ $client }: ServerStore, producer: string, chain: string): number | null {
  return (
    prepared<[string, string], { forkAt: number | null }>(
      $client,
      'SELECT fork_at forkAt FROM chains WHERE producer = ? AND chain = ?',
    ).get(producer, chain)?.forkAt ?? null
  )
}

/**
 * Finds the branch of a batch that was just stored, in a chain that has forked: that of the batch before it, where it alone follows it;
 * else it begins one. A function of the batches that are here, in whatever order they came.
 * @returns whether others stand elsewhere now: what was linked anew is ordered anew, and may be of a branch that a person released
 */
export function linkBatch(
  store: ServerStore,
  { producer, chain, seq, previous }: Manifest,
  digest: string,
  isTwin: boolean,
): boolean {
  const client = store.$client
  const follows = prepared(
    client,
    'SELECT 1 FROM batches WHERE producer = ? AND chain = ? AND seq = ? AND previous = ?',
  )
  const isContinued = prepared(
    client,
    'SELECT 1 FROM chains WHERE producer = ? AND continues_chain = ? AND continues_seq >= ?',
  )
  if (
    isTwin ||
    follows.get(producer, chain, seq + 1, digest) !== undefined ||
    isContinued.get(producer, chain, seq) !== undefined
  ) {
    numberBranches(store, producer, chain)
    prepared(client, 'INSERT OR REPLACE INTO relinks VALUES (?, ?, 0)').run(producer, chain)
    return true
  }
  const before = prepared<[string | null], Pick<Linked, 'branch'>>(
    client,
    'SELECT branch FROM batches WHERE manifest_digest = ?',
  ).get(previous)
  setBranch(store, digest, before === undefined ? digest : before.branch)
  return false
}

/** The branch of each batch of a chain from its fork on, from what their manifests say. */
export function branchesOf(
  store: ServerStore,
  producer: string,
  chain: string,
): Array<Linked & { now: string | null }> {
  const forkAt = forkOf(store, producer, chain)
  if (forkAt === null) return []
  const linked = prepared<[string, string, number], Linked>(
    store.$client,
    `SELECT ordinal, manifest_digest digest, previous, seq, branch FROM batches WHERE producer = ? AND chain = ? AND seq >= ?
     ORDER BY seq, ordinal`,
  ).all(producer, chain, forkAt)
  const trunk = prepared(store.$client, 'SELECT 1 FROM batches WHERE manifest_digest = ?')
  const followers = new Map<string | null, number>()
  for (const { previous } of linked) followers.set(previous, (followers.get(previous) ?? 0) + 1)
  const found = new Map<string | null, string | null>()
  return linked.map((batch) => {
    const { digest, previous, seq } = batch
    const isHere = found.has(previous) || (seq === forkAt && trunk.get(previous) !== undefined)
    const now = isHere && followers.get(previous) === 1 ? (found.get(previous) ?? null) : digest
    found.set(digest, now)
    return { ...batch, now }
  })
}

function numberBranches(store: ServerStore, producer: string, chain: string): void {
  for (const { digest, branch, now } of branchesOf(store, producer, chain))
    if (branch !== now) setBranch(store, digest, now)
}

function setBranch({ $client }: ServerStore, digest: string, branch: string | null): void {
  prepared($client, 'UPDATE batches SET branch = ? WHERE manifest_digest = ?').run(branch, digest)
}
