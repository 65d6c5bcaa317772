import { isExpected } from '../specimens/is-drawn.ts'
import type { ClosedHandover, Partner } from './desk.ts'
import type { DeskParts } from './desk-parts.ts'
import type { KnownHandover } from './handover-book.ts'
import { reconcileNow } from './reconcile-now.ts'
import { nameOf } from './show.ts'
import { bestOf, signingOf } from './signed.ts'
import { countsIn, tubesIn } from './tubes-in.ts'

/** Handovers that are shown though they are closed. */
const mostRecent = 50
/** Enough for a person to act on; the rest is a number. */
const mostOpenLabels = 12

/** What is known of handovers with one other laptop, the newest first. */
interface Shared {
  open: KnownHandover | undefined
  closed: KnownHandover[]
}

/**
 * The driver's laptop: the laptops of today, and those with which there was a handover lately. The assistant's: whoever began one
 * here lately.
 */
export function partnersOf(parts: DeskParts): Partner[] {
  return parts.remember('partners', () => {
    const { context, handovers } = parts
    const isTaker = context.side === 'taker'
    const here = new Set(isTaker ? context.partners() : [])
    const shared = new Map<string, Shared>([...here].map((device) => [device, { open: undefined, closed: [] }]))
    const known = new Map([...handovers.open(), ...handovers.newest(mostRecent)].map((one) => [one.head.id, one]))
    for (const one of known.values()) {
      const other = isTaker ? one.head.giver : one.head.taker
      const found = shared.get(other) ?? { open: undefined, closed: [] }
      if (one.isClosed) found.closed.push(one)
      else found.open ??= one
      shared.set(other, found)
    }
    return [...shared].map(([device, all]) => partner(parts, device, all, here.has(device)))
  })
}

function partner(parts: DeskParts, device: string, { open, closed }: Shared, isHere: boolean): Partner {
  const { context, documents } = parts
  const isTaker = context.side === 'taker'
  const now = open && reconcileNow(parts, open)
  const notYet = now?.tubes.filter(({ state }) => state === 'notYetScanned') ?? []
  return {
    ...{ device, name: nameOf(parts, device), isHere },
    expected: countExpected(parts, isTaker ? device : context.device),
    open: open?.head ?? null,
    counts: now?.counts ?? null,
    openLabels: notYet.slice(0, mostOpenLabels).map(({ label }) => label),
    signed: open ? signingOf(open.head, documents.of(open.head.id)).signed : 'no',
    aboard: isTaker ? tubesIn(now?.tubes ?? []) + carried(parts, closed) : 0,
    last: closed.map((one) => closedHandover(parts, one)).find(({ signed }) => signed !== 'no') ?? null,
  }
}

function countExpected({ context, rememberLines }: DeskParts, giver: string): number {
  return rememberLines(`expected ${giver}`, () => context.linesOf(giver).filter((line) => isExpected(line)).length)
}

/** The tubes of handovers that are closed, as long as no server has signed for what they say. */
function carried({ documents }: DeskParts, closed: KnownHandover[]): number {
  const standing = closed.flatMap(({ head, isWiped }) =>
    isWiped ? [] : signingOf(head, documents.of(head.id)).standing.slice(0, 1),
  )
  const atNoServer = standing.filter(({ digest }) => !documents.isCovered(digest))
  return atNoServer.reduce((sum, { handover }) => sum + tubesIn(handover.lines), 0)
}

/** As the newest revision says that somebody signed: what people did in it may have been erased since. */
function closedHandover({ documents }: DeskParts, { head, isWiped }: KnownHandover): ClosedHandover {
  if (isWiped) documents.forget(head.id)
  const written = documents.of(head.id)
  const { signed, standing, isDisputed } = signingOf(head, written)
  const [settled] = standing
  return {
    ...{ id: head.id, began: head.began, signed, isDisputed },
    counts: settled ? countsIn(settled.handover) : null,
    tubes: settled ? tubesIn(settled.handover.lines) : null,
    signatures: bestOf(written.signatures.map(({ signature }) => signature)),
  }
}
