import canonicalize from 'canonicalize'
import { sha256 } from '../crypto/digest.ts'
import { type Act, type Handover, type HandoverLine, mostLines, type StrayLabel } from '../protocol/handover.ts'
import { compareKeys } from '../specimens/known-line.ts'
import { compareActs } from '../specimens/order-acts.ts'
import type { Reconciled } from '../specimens/reconcile.ts'
import type { Tube } from '../specimens/tube.ts'

/** What a revision says: the same arrays in the same order on both laptops. */
export type Content = Pick<Handover, 'lines' | 'strays' | 'temperature' | 'acts'>

/** As JSON. What a JWS makes of it must stay below the largest handover. */
export const mostContentBytes = 740_000

/** What people said, which is all written down: `said` are the lines that they said something of. */
export function saidIn({ tubes, temperature }: Reconciled): Pick<Content, 'strays' | 'temperature'> & {
  said: HandoverLine[]
} {
  const others = tubes.filter(({ state }) => state !== 'notYetScanned')
  const said = others.flatMap((tube) => handoverLine(tube) ?? [])
  const strays = others.flatMap((tube) => strayLabel(tube) ?? []).sort((a, b) => (a.label < b.label ? -1 : 1))
  return { said, strays, temperature }
}

/**
 * What is to be written down. Lines that nobody said anything of are in it as far as there is room; all others are.
 */
export function contentOf(now: Reconciled, acts: Iterable<Act>): Content {
  const { said, strays, temperature } = saidIn(now)
  const waiting = now.tubes.filter(({ state }) => state === 'notYetScanned')
  const rest = waiting.flatMap((tube) => handoverLine(tube) ?? []).sort(compareKeys)
  const content: Content = {
    ...{ lines: said, strays: strays.slice(0, mostLines), temperature },
    acts: [...acts].sort(compareActs),
  }
  // What only one laptop may know must not decide how much room there is.
  let room = mostContentBytes - sizeOf({ ...content, strays: strays.map((stray) => ({ ...stray, ...unknownPlace })) })
  for (const line of rest) {
    room -= sizeOf(line)
    if (room < 0 || content.lines.length >= mostLines) break
    content.lines.push(line)
  }
  content.lines.sort(compareKeys)
  return content
}

const unknownPlace = { state: 'anotherLaptop', device: '0'.repeat(32) }

/** The bytes of its JSON. */
export function sizeOf(value: object): number {
  return Buffer.byteLength(JSON.stringify(value)) + 1
}

/**
 * sha-256 of what a revision says of tubes and temperature. In whose list a stray label is, only the driver's laptop may know, and
 * acts without an effect say nothing: two revisions that differ in these alone say the same.
 */
export function contentDigest({ lines, strays, temperature }: Omit<Content, 'acts'>): string {
  const labels = strays.map(({ label, reason, text }) => ({ label, reason, text }))
  return sha256(canonicalize({ lines, labels, temperature }) ?? '')
}

function handoverLine({ line, state, tubes, counted, reason, text }: Tube): HandoverLine | undefined {
  if (!line) return undefined
  const { model, pk, requisition, changeId } = line
  return { model, pk, requisition, changeId, state, tubes, counted, reason, text }
}

function strayLabel({ line, label, state, reason, text, elsewhere }: Tube): StrayLabel | undefined {
  if (line || (state !== 'unexpected' && state !== 'anotherLaptop')) return undefined
  return { label, state, device: elsewhere?.device ?? null, reason, text }
}
