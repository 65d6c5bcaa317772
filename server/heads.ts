import { stronglyConnected } from './strongly-connected.ts'

/** Where a change stands: in a producer's chain, by batch and line. */
export interface ChainPlace {
  chain: string
  seq: number
  number: number
}

/** A change of a record, as far as the rule asks. */
export interface Member {
  change: number
  /** What finds its id. */
  id: number
  action: 'insert' | 'update' | 'delete'
  digest: Buffer
  /** What it was made upon, as `id` of those. */
  base: number[]
  /** Every place at which it, or an exact repeat of it, stands. */
  places: ChainPlace[]
}

/** A change that nothing supersedes. */
export interface Head extends Member {
  /** It is an insert, or one stands before it in its chain or in what that continues. */
  inserted: boolean
}

/** The parts of older chains that a chain goes on from, the nearest first: each up to and with a batch. */
export type Lineage = (chain: string) => Array<{ chain: string; seq: number }>

/** What the rule says of a record. */
export interface Heads {
  /** The one that is shown first. */
  heads: Head[]
  /** Some change was made upon one that is not among them, or two name each other: whoever comes is judged with all of them. */
  loose: boolean
}

/** The chains of the members, each with those that have their first place in it, and in nothing that it continues, in order. */
type Lines = Map<string, Placed[]>
interface Placed {
  at: number
  place: ChainPlace
}

/**
 * The rule for convergence (PROTOCOL, "Records"): the heads of all applied changes of a record, whatever the order in which they came.
 */
export function headsOf(members: Member[], lineage: Lineage): Heads {
  const lines = linesOf(members, lineage)
  const { edges, unseen } = edgesOf(members, lines, lineage)
  const { component, superseded, cyclic } = components(edges, members.length)
  const inserted = insertedIn(members, lines, lineage)
  const heads = members
    .map((member, at) => ({ ...member, inserted: inserted.has(at) }))
    .filter((_, at) => !superseded[component[at] ?? 0])
  return { heads: heads.sort(shownFirst), loose: unseen || cyclic }
}

/** Which of two heads is shown: an edit before a delete, then what inserted the record, then the smallest digest. */
export function shownFirst(a: Head, b: Head): number {
  return (
    Number(a.action === 'delete') - Number(b.action === 'delete') ||
    Number(b.inserted) - Number(a.inserted) ||
    Buffer.compare(a.digest, b.digest)
  )
}

export function comparePlaces(a: Pick<ChainPlace, 'seq' | 'number'>, b: Pick<ChainPlace, 'seq' | 'number'>): number {
  return a.seq - b.seq || a.number - b.number
}

/** A change that stands in a chain more than once counts by its first place, and by none where what the chain continues has it. */
function linesOf(members: Member[], lineage: Lineage): Lines {
  const firsts = new Map<string, Map<number, ChainPlace>>()
  for (const [at, { places }] of members.entries())
    for (const place of places) {
      const line = firsts.get(place.chain) ?? new Map<number, ChainPlace>()
      firsts.set(place.chain, line)
      const known = line.get(at)
      if (!known || comparePlaces(place, known) < 0) line.set(at, place)
    }
  const isBefore = (at: number, { chain, seq }: { chain: string; seq: number }) =>
    (firsts.get(chain)?.get(at)?.seq ?? Number.POSITIVE_INFINITY) <= seq
  const lines: Lines = new Map()
  for (const [chain, line] of firsts) {
    const older = lineage(chain)
    const own = [...line].filter(([at]) => !older.some((part) => isBefore(at, part)))
    lines.set(
      chain,
      own.map(([at, place]) => ({ at, place })).sort((a, b) => comparePlaces(a.place, b.place)),
    )
  }
  return lines
}

/** Who supersedes whom at once: the one before in the chain, and what the base names; an id stands between who names and who bears it. */
function edgesOf(members: Member[], lines: Lines, lineage: Lineage): { edges: number[][]; unseen: boolean } {
  const edges: number[][] = members.map(() => [])
  for (const [chain, line] of lines)
    for (const [index, { at }] of line.entries()) {
      const before = index > 0 ? line[index - 1] : lastOfOlder(lines, lineage(chain))
      if (before) edges[at]?.push(before.at)
    }
  const ids = new Map<number, number>()
  for (const [at, { base }] of members.entries())
    for (const id of base) {
      const node = ids.get(id) ?? edges.push([]) - 1
      ids.set(id, node)
      edges[at]?.push(node)
    }
  for (const [at, { id }] of members.entries()) edges[ids.get(id) ?? -1]?.push(at)
  return { edges, unseen: [...ids.values()].some((node) => edges[node]?.length === 0) }
}

function lastOfOlder(lines: Lines, older: ReturnType<Lineage>): Placed | undefined {
  for (const { chain, seq } of older) {
    const last = lines.get(chain)?.findLast(({ place }) => place.seq <= seq)
    if (last) return last
  }
  return undefined
}

/** Those that are an insert or have one before them. */
function insertedIn(members: Member[], lines: Lines, lineage: Lineage): Set<number> {
  const isInsert = ({ at }: Placed) => members[at]?.action === 'insert'
  const inserted = new Set<number>()
  for (const [chain, line] of lines) {
    let before = lineage(chain).some((part) =>
      lines.get(part.chain)?.some((placed) => placed.place.seq <= part.seq && isInsert(placed)),
    )
    for (const placed of line) {
      before ||= isInsert(placed)
      if (before) inserted.add(placed.at)
    }
  }
  return inserted
}

/** @returns each node's component, which components something outside supersedes, and whether changes supersede each other */
function components(
  edges: number[][],
  changes: number,
): { component: number[]; superseded: boolean[]; cyclic: boolean } {
  const component = stronglyConnected(edges)
  const superseded: boolean[] = []
  for (const [from, list] of edges.entries())
    for (const to of list) if (component[from] !== component[to]) superseded[component[to] ?? 0] = true
  const cyclic = new Set(component.slice(0, changes)).size < changes
  return { component, superseded, cyclic }
}
