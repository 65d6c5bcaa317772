import type { ChainPlace, Lineage } from './heads.ts'
import type { ServerStore } from './open-store.ts'

/** A producer's chain. */
interface Chain {
  producer: string
  chain: string
}

/** Where changes stand and what chains go on from, for one transaction. A chain's name here holds its producer as well. */
export class ChainPlaces {
  readonly #client: ServerStore['$client']
  readonly #batches = new Map<number, Chain & { name: string; seq: number }>()
  readonly #lineages = new Map<string, ReturnType<Lineage>>()
  readonly #unrooted = new Map<string, Chain[]>()
  readonly #continued = new Map<string, boolean>()

  constructor({ $client }: ServerStore) {
    this.#client = $client
  }

  batch(ordinal: number): Chain & { name: string; seq: number } {
    const known = this.#batches.get(ordinal)
    if (known) return known
    const row = this.#client
      .prepare<[number], Chain & { seq: number }>('SELECT producer, chain, seq FROM batches WHERE ordinal = ?')
      .get(ordinal) ?? { producer: '', chain: '', seq: 0 }
    const batch = { ...row, name: nameOf(row) }
    this.#batches.set(ordinal, batch)
    return batch
  }

  /** The place where a change came first. */
  place({ batch, number }: { batch: number; number: number }): ChainPlace {
    const { name, seq } = this.batch(batch)
    return { chain: name, seq, number }
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
      if (passed.has(next.chain)) return []
      passed.add(next.chain)
      older.push(next)
    }
    return older
  }

  #origin(name: string): { chain: string; seq: number } | undefined {
    const { producer, chain } = chainOf(name)
    const row = this.#client
      .prepare<[string, string], { chain: string | null; seq: number }>(
        'SELECT continues_chain chain, continues_seq seq FROM chains WHERE producer = ? AND chain = ?',
      )
      .get(producer, chain)
    return row && row.chain !== null ? { chain: nameOf({ producer, chain: row.chain }), seq: row.seq } : undefined
  }
}

function nameOf({ producer, chain }: Chain): string {
  return `${producer}.${chain}`
}

function chainOf(name: string): Chain {
  const [producer = '', chain = ''] = name.split('.')
  return { producer, chain }
}
