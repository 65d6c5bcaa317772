import type { Deed, TubeState } from '../protocol/handover.ts'
import type { OpenLine } from '../protocol/requisition-line.ts'
import { compareKeys, type KnownLine } from './known-line.ts'
import { tubesOf } from './tubes-of.ts'

/** A tube that is expected or in hand, in its one state. */
export interface Tube {
  /** Null where the label is on none of the giver's lines. */
  line: OpenLine | null
  /** What is printed; for a stray label its letters and digits in upper case. */
  label: string
  state: TubeState
  tubes: number | null
  counted: number | null
  reason: string | null
  text: string | null
  /** Whose line it is, where it is another laptop's. */
  elsewhere: { device: string; line: OpenLine | null } | null
}

/** Why, as a person gave it. */
type Why = Pick<Extract<Deed, { kind: 'missing' }>, 'reason' | 'text'>

/** What was said of one of the giver's lines so far, act by act. */
export class LineStory {
  readonly known: KnownLine
  /** What is in hand is not missing, whatever was said before. */
  #counted: number | null = null
  #missing: Why | null = null
  #remark: Why | null = null

  constructor(known: KnownLine) {
    this.known = known
  }

  get isInHand(): boolean {
    return this.#counted !== null
  }

  /** The first scan is one tube; a second one never raises the count. */
  scan(): void {
    this.#counted ??= 1
  }

  count(tubes: number): void {
    this.#counted = tubes
  }

  miss(why: Why): void {
    this.#missing = why
    this.#counted = null
  }

  remark(why: Why): void {
    this.#remark = why
  }

  /** The tube, if it is expected or in hand. */
  tube(): Tube | undefined {
    const { line } = this.known
    const state = this.#state()
    if (state === undefined) return undefined
    const why = state === 'missing' ? this.#missing : this.#remark
    return {
      ...{ line, label: line.requisition ?? line.pk, state, tubes: tubesOf(line), counted: this.#counted },
      ...{ reason: why?.reason ?? null, text: why?.text ?? null, elsewhere: null },
    }
  }

  #state(): TubeState | undefined {
    const { expectation } = this.known
    if (this.isInHand) return expectation === 'expected' ? 'present' : expectation
    if (expectation !== 'expected') return undefined
    return this.#missing ? 'missing' : 'notYetScanned'
  }
}

const order: TubeState[] = [
  ...(['unexpected', 'anotherLaptop', 'changed', 'notDrawn', 'notYetScanned', 'missing', 'present'] as const),
]
const ranks = Object.fromEntries(order.map((state, rank) => [state, rank])) as Record<TubeState, number>

/** First what a person must look at; then by label. */
export function compareTubes(a: Tube, b: Tube): number {
  if (a.state !== b.state) return ranks[a.state] - ranks[b.state]
  if (a.label !== b.label) return a.label < b.label ? -1 : 1
  return a.line && b.line ? compareKeys(a.line, b.line) : 0
}
