import { readDocument } from '../shared/crypto/read-document.ts'
import type { Manifest } from '../shared/protocol/manifest.ts'
import { forkOf } from './branches.ts'
import type { ChainPlace, Lineage } from './heads.ts'
import type { ServerStore } from './open-store.ts'

/** A producer's chain. */
interface Chain {
  producer: string
  chain: string
}

/** A run of batches that follow each other: a chain up to where it forked, or one of its branches. */
interface Run extends Chain {
  branch: string | null
}

/**
 * Where changes stand and what chains go on from, for one transaction. A chain's name here holds its producer as well; each branch of a
 * forked one has a name of its own, and goes on from what is before the fork as a new chain goes on from an older.
 */
export class ChainPlaces {
  readonly #store: ServerStore
  readonly #client: ServerStore['$client']
  readonly #batches = new Map<number, Run & { name: string; seq: number }>()
  readonly #lineages = new Map<string, ReturnType<Lineage>>()
  readonly #unrooted = new Map<string, Chain[]>()
  readonly #continued = new Map<string, boolean>()

  constructor(store: ServerStore) {
    this.#store = store
    this.#client = store.$client
  }

  /** `name` is that of the whole chain. */
  batch(ordinal: number): Run & { name: string; seq: number } {
    const known = this.#batches.get(ordinal)
    if (known) return known
    const row = this.#client
      .prepare<[number], Run & { seq: number }>('SELECT producer, chain, seq, branch FROM batches WHERE ordinal = ?')
      .get(ordinal) ?? { producer: '', chain: '', seq: 0, branch: null }
    const batch = { ...row, name: nameOf({ ...row, branch: null }) }
    this.#batches.set(ordinal, batch)
    return batch
  }

  /** The place where a change came first. */
  place({ batch, number }: { batch: number; number: number }): ChainPlace {
    const found = this.batch(batch)
    return { chain: nameOf(found), seq: found.seq, number }
  }

  /** Whether one batch leads to another, or is the same. */
  leadsTo(earlier: number, later: number): boolean {
    const [from, to] = [this.place({ batch: earlier, number: 0 }), this.place({ batch: later, number: 0 })]
    if (from.chain === to.chain) return from.seq <= to.seq
    return this.lineage(to.chain).some(({ chain, seq }) => chain === from.chain && from.seq <= seq)
  }

  /** Whether two batches stand in one chain, or one branch of it, between its forks. */
  isOneRun(one: number, other: number): boolean {
    return this.place({ batch: one, number: 0 }).chain === this.place({ batch: other, number: 0 }).chain
  }

  /** What a chain goes on from, the nearest first. A walk that comes back to where it was means nothing: no honest laptop makes it. */
  readonly lineage: Lineage = (chain) => {
    const known = this.#lineages.get(chain)
    if (known) return known
    const found = this.#walk(chain)
    this.#lineages.set(chain, found)
    return found
  }

  /** Whether some other chain goes on from it. */
  isContinued(name: string): boolean {
    const known = this.#continued.get(name)
    if (known !== undefined) return known
    const { producer, chain } = chainOf(name)
    const row = this.#client
      .prepare('SELECT 1 FROM chains WHERE producer = ? AND continues_chain = ? LIMIT 1')
      .get(producer, chain)
    this.#continued.set(name, row !== undefined)
    return row !== undefined
  }

  /** A chain and those that it goes on from, as far as the first batch of one is not here: what that continues is not known. */
  unrooted(name: string): Chain[] {
    const known = this.#unrooted.get(name)
    if (known) return known
    const found = [name, ...this.lineage(name).map(({ chain }) => chain)]
      .map(chainOf)
      .filter((chain) => !this.#isRooted(chain))
    this.#unrooted.set(name, found)
    return found
  }

  #isRooted({ producer, chain }: Chain): boolean {
    const first = this.#client.prepare('SELECT 1 FROM batches WHERE producer = ? AND chain = ? AND seq = 1 LIMIT 1')
    return first.get(producer, chain) !== undefined
  }

  #walk(chain: string): ReturnType<Lineage> {
    const older: ReturnType<Lineage> = []
    const passed = new Set([chain])
    for (let next = this.#origin(chain); next; next = this.#origin(next.chain)) {
      if (passed.has(next.chain)) return older.slice(0, ownParts(chain, older))
      passed.add(next.chain)
      older.push(next)
    }
    return older
  }

  #origin(name: string): { chain: string; seq: number } | undefined {
    const { producer, chain, branch } = chainOf(name)
    if (branch !== null) return this.#beforeBranch({ producer, chain, branch })
    const row = this.#client
      .prepare<[string, string], { chain: string | null; seq: number }>(
        'SELECT continues_chain chain, continues_seq seq FROM chains WHERE producer = ? AND chain = ?',
      )
      .get(producer, chain)
    if (!row || row.chain === null) return undefined
    const older = { producer, chain: row.chain }
    const forkAt = forkOf(this.#store, producer, row.chain)
    if (forkAt === null || row.seq < forkAt) return { chain: nameOf({ ...older, branch: null }), seq: row.seq }
    const first = this.#client
      .prepare<[string, string], { manifest: string }>(
        'SELECT manifest FROM batches WHERE producer = ? AND chain = ? AND seq = 1 LIMIT 1',
      )
      .get(producer, chain)
    return this.#at(older, first && continuesOf(first.manifest)?.digest, forkAt)
  }

  /** What the first batch of a branch follows. */
  #beforeBranch({ producer, chain, branch }: Run): { chain: string; seq: number } | undefined {
    const root = this.#client
      .prepare<[string | null], { seq: number; previous: string | null; manifest: string }>(
        'SELECT seq, previous, manifest FROM batches WHERE manifest_digest = ?',
      )
      .get(branch)
    if (!root) return undefined
    if (root.seq > 1) return this.#at({ producer, chain }, root.previous, forkOf(this.#store, producer, chain))
    const older = continuesOf(root.manifest)
    if (!older || older.chain === chain) return undefined
    const forkAt = forkOf(this.#store, producer, older.chain)
    if (forkAt !== null && older.seq >= forkAt) return this.#at({ producer, chain: older.chain }, older.digest, forkAt)
    return { chain: nameOf({ producer, chain: older.chain, branch: null }), seq: older.seq }
  }

  /** The place of a batch in a forked chain; of one that is not here nothing is known but what comes before the fork. */
  #at(of: Chain, digest: string | null | undefined, forkAt: number | null): { chain: string; seq: number } {
    const row = this.#client
      .prepare<[string | null | undefined, string, string], { seq: number; branch: string | null }>(
        'SELECT seq, branch FROM batches WHERE manifest_digest = ? AND producer = ? AND chain = ?',
      )
      .get(digest, of.producer, of.chain)
    return { chain: nameOf({ ...of, branch: row?.branch ?? null }), seq: row?.seq ?? (forkAt ?? 1) - 1 }
  }
}

/** How many of them are of the same chain: a branch follows what is before the fork, whatever the chain goes on from. */
function ownParts(name: string, older: ReturnType<Lineage>): number {
  const { chain: own } = chainOf(name)
  const other = older.findIndex(({ chain }) => chainOf(chain).chain !== own)
  return other < 0 ? older.length : other
}

function continuesOf(manifest: string): Manifest['continues'] {
  return readDocument(manifest, 'manifest').document.continues
}

function nameOf({ producer, chain, branch }: Run): string {
  return branch === null ? `${producer}.${chain}` : `${producer}.${chain}.${branch}`
}

function chainOf(name: string): Run {
  const [producer = '', chain = '', branch = null] = name.split('.')
  return { producer, chain, branch }
}
