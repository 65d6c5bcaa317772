import { type Act, type ScanAnswer, type TubeState, tubeStates } from '../protocol/handover.ts'
import type { OpenLine } from '../protocol/requisition-line.ts'
import { type KnownLine, keyOf } from './known-line.ts'
import type { KnownLines } from './known-lines.ts'
import { standingActs } from './order-acts.ts'
import { readScan, type Scan } from './read-scan.ts'
import { compareTubes, LineStory, type Tube } from './tube.ts'

/** What a handover is worked out from. */
export interface ToReconcile {
  /** The giver's, as served. */
  known: KnownLines
  /** A line of another laptop that has this identifier (letters and digits, in upper case). */
  findElsewhere(label: string): { device: string; line: OpenLine | null } | undefined
  acts: Iterable<Act>
}

/** How data and tubes agree. */
export interface Reconciled {
  /** First what a person must look at. */
  tubes: Tube[]
  counts: Record<TubeState, number>
  temperature: number | null
  /** The line that a device's newest standing act scanned; `isAgain`: it was in hand before, so its count is asked for. */
  lastScan(device: string): { tube: Tube; isAgain: boolean } | undefined
  /** The tube of one of the giver's lines, if it is expected or in hand. */
  tubeOf(line: { model: string; pk: string }): Tube | undefined
  /** What a scan of this label is answered with now, before it is an act; undefined for what is no label. */
  wouldAnswer(scan: Scan): ScanAnswer | undefined
  /** The tube that a label is of, if it is expected or in hand. */
  tubeAt(scan: Scan): Tube | undefined
}

/**
 * Brings lines and acts together: a pure function of both, the same whatever the order in which they came. Each tube comes out in
 * exactly one state.
 */
export function reconcile({ known, findElsewhere, acts }: ToReconcile): Reconciled {
  const fold = new Fold(known)
  for (const act of standingActs(acts)) fold.take(act)
  const lineTubes = new Map<string, Tube>()
  for (const [key, story] of fold.stories) {
    const tube = story.tube()
    if (tube) lineTubes.set(key, tube)
  }
  const elsewhere = (keys: string[]) => keys.map(findElsewhere).find((found) => found !== undefined)
  const strays = new Map([...fold.strays].map(([label, keys]) => [label, stray(label, elsewhere(keys), fold)]))
  const tubeOf = (key: string) => (fold.stories.has(key) ? lineTubes.get(key) : known.waiting.get(key))
  const tubeAt = (scan: Scan) => {
    if (scan.kind !== 'label') return undefined
    const line = lineAt(known, scan.keys)
    return line ? tubeOf(line.key) : strays.get(scan.label)
  }
  const tubes = inOrder(known, fold, [...lineTubes.values(), ...strays.values()])
  return {
    tubes,
    counts: countTubes(tubes),
    temperature: fold.temperature,
    lastScan: (device) => {
      const last = fold.lastScans.get(device)
      const tube = last && lineTubes.get(last.key)
      return tube && fold.stories.get(last.key)?.isInHand ? { tube, isAgain: last.isAgain } : undefined
    },
    tubeOf: (line) => tubeOf(keyOf(line)),
    wouldAnswer: (scan) => {
      if (scan.kind !== 'label') return undefined
      const line = lineAt(known, scan.keys)
      if (!line) return elsewhere(scan.keys) ? 'anotherLaptop' : 'unexpected'
      if (fold.stories.get(line.key)?.isInHand) return 'again'
      return line.expectation === 'expected' ? 'present' : line.expectation
    },
    tubeAt,
  }
}

/** A laptop may have thousands that nobody has said anything of: they are in their order already. */
function inOrder({ waiting }: KnownLines, { stories }: Fold, others: Tube[]): Tube[] {
  const tubes: Tube[] = []
  for (const [key, tube] of waiting) if (!stories.has(key)) tubes.push(tube)
  return tubes.concat(others).sort(compareTubes)
}

/** How many tubes there are of each state. */
export function countTubes(tubes: Array<{ state: TubeState }>): Record<TubeState, number> {
  const counts = Object.fromEntries(tubeStates.map((state) => [state, 0])) as Record<TubeState, number>
  for (const { state } of tubes) counts[state] += 1
  return counts
}

/** What the acts say, taken one after the other. */
class Fold {
  /** Of the lines that something was said of. */
  readonly stories = new Map<string, LineStory>()
  /** Labels that are on no line of the giver's, and what they may be called. */
  readonly strays = new Map<string, string[]>()
  readonly strayRemarks = new Map<string, { reason: string; text: string | null }>()
  readonly lastScans = new Map<string, { key: string; isAgain: boolean }>()
  temperature: number | null = null
  readonly #known: KnownLines

  constructor(known: KnownLines) {
    this.#known = known
  }

  take({ device, deed }: Act): void {
    this.lastScans.delete(device)
    if (deed.kind === 'scan') this.#scan(device, readScan(deed.text))
    else if (deed.kind === 'temperature') this.temperature = deed.new
    else if (deed.kind === 'remark') this.#remark(deed)
    else if (deed.kind === 'missing') this.#storyOf(keyOf(deed.line))?.miss(deed)
    else if (deed.kind === 'count' && deed.new > 0) this.#storyOf(keyOf(deed.line))?.count(deed.new)
  }

  #storyOf(key: string): LineStory | undefined {
    const known = this.#known.byKey.get(key)
    const story = this.stories.get(key) ?? (known && new LineStory(known))
    if (story) this.stories.set(key, story)
    return story
  }

  #scan(device: string, scan: Scan): void {
    if (scan.kind !== 'label') return
    const line = lineAt(this.#known, scan.keys)
    const story = line && this.#storyOf(line.key)
    if (!story) {
      this.strays.set(scan.label, scan.keys)
      return
    }
    this.lastScans.set(device, { key: story.known.key, isAgain: story.isInHand })
    story.scan()
  }

  #remark({ line, label, reason, text }: Extract<Act['deed'], { kind: 'remark' }>): void {
    const scan = label === null ? undefined : readScan(label)
    const at = line ? keyOf(line) : scan?.kind === 'label' ? lineAt(this.#known, scan.keys)?.key : undefined
    if (at !== undefined) this.#storyOf(at)?.remark({ reason, text })
    else if (scan?.kind === 'label') this.strayRemarks.set(scan.label, { reason, text })
  }
}

/** The line that has this very identifier, and only then the one that the aliquot is of. */
function lineAt({ byLabel }: KnownLines, keys: string[]): KnownLine | undefined {
  return keys.map((key) => byLabel.get(key)).find((line) => line !== undefined)
}

function stray(label: string, elsewhere: Tube['elsewhere'] | undefined, { strayRemarks }: Fold): Tube {
  const why = strayRemarks.get(label)
  return {
    ...{ line: null, label, state: elsewhere ? 'anotherLaptop' : 'unexpected', tubes: null, counted: null },
    ...{ reason: why?.reason ?? null, text: why?.text ?? null, elsewhere: elsewhere ?? null },
  }
}
