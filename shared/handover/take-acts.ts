import canonicalize from 'canonicalize'
import type { Act, HandoverExchange, HandoverHead } from '../protocol/handover.ts'
import { WaybillError } from '../service/errors.ts'
import { checkAct } from './check-act.ts'
import type { DeskParts } from './desk-parts.ts'

/**
 * Takes the acts that the other laptop told, each on its own, in one transaction. After each start of the program, nothing of this
 * laptop's own is taken or given before all that the other has of it was compared with it: a disk that was restored from an
 * old one may have used the same numbers again. What was done under them since is then done anew, after all that is known.
 * @returns why something was not taken
 */
export function takeActs(parts: DeskParts, head: HandoverHead, told: HandoverExchange): WaybillError[] {
  const { acts, compared, context } = parts
  const isCompared = compared.has(head.id)
  const own = isCompared ? undefined : ownActsTold(parts, told)
  const problems: WaybillError[] = []
  const take = context.client.transaction(() => {
    const displaced = own ? takeOut(parts, head.id, own) : []
    for (const given of isCompared || own ? told.acts : told.acts.filter((act) => act?.device !== context.device))
      try {
        const act = checkAct(given, head, acts, context.shelf.document)
        if (act) acts.put(head.id, [act])
      } catch (error) {
        if (!(error instanceof WaybillError)) throw error
        problems.push(error)
      }
    doAnew(parts, head.id, displaced)
  })
  try {
    if (told.acts.length > 0) take.immediate()
  } catch (error) {
    acts.forget(head.id)
    throw error
  }
  if (own) compared.add(head.id)
  return problems
}

/** What the other laptop has of our own acts; undefined where it did not give all of it. */
function ownActsTold({ context }: DeskParts, { seen, acts }: HandoverExchange): Act[] | undefined {
  const own = acts.filter((act) => act?.device === context.device)
  const isWhole = own.length === (seen[context.device] ?? 0) && own.every(({ number }, index) => number === index + 1)
  return isWhole ? own : undefined
}

/** Our acts from the first on that the other laptop has otherwise: they never reached it. */
function takeOut({ acts, context }: DeskParts, id: string, told: Act[]): Act[] {
  const differing = told.find((act) => {
    const known = acts.find(id, context.device, act.number)
    return known && canonicalize(known) !== canonicalize(act)
  })
  return differing ? acts.takeOut(id, context.device, differing.number) : []
}

/** Under the next numbers; what is undone among them is so still. */
function doAnew({ acts, context }: DeskParts, id: string, displaced: Act[]): void {
  const { device } = context
  const [first] = displaced
  if (!first) return
  const further = acts.next(id, device).number - first.number
  for (const { deed, ...act } of displaced) {
    const isMoved = deed.kind === 'undo' && deed.device === device && deed.number >= first.number
    const moved = isMoved ? { ...deed, number: deed.number + further } : deed
    acts.put(id, [{ ...act, ...acts.next(id, device), deed: moved }])
  }
}
