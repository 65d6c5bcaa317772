import { TypeCompiler } from '@sinclair/typebox/compiler'
import type { Database } from 'better-sqlite3'
import canonicalize from 'canonicalize'
import { type Act, HandoverExchange, type HandoverHead, type Seen } from '../protocol/handover.ts'
import { WaybillError } from '../service/errors.ts'
import type { DeskParts } from './desk-parts.ts'
import type { KnownHandover } from './handover-book.ts'
import { digestsOf, takeTold } from './take-told.ts'

const check = TypeCompiler.Compile(HandoverExchange)
/** Of revisions and signatures in one exchange; what is left rides with the next. */
const mostGivenBytes = 8 * 1024 * 1024
const tellEveryMs = 5_000

/** What the other laptop has, as far as it told. */
type Has = Pick<HandoverExchange, 'seen'> & { have: Set<string> }

/** The taker's question: what it has, and what the giver lacked when it last answered. @throws NOT_FOUND */
export function askExchange(parts: DeskParts, id: string): HandoverExchange {
  const known = parts.handovers.get(id)
  if (known.isWiped) throw new WaybillError('NOT_FOUND', `handover ${id.slice(0, 8)} was erased here`)
  return exchangeFor(parts, known, parts.heard.get(id))
}

/**
 * The giver takes a question and answers with what its asker lacks; all that was taken is on disk then. A question of a new handover
 * begins it here, and ends those that the asker left open.
 * @param from the device that asks, as its certificate says
 * @throws BAD_REQUEST, ROLE_REFUSED
 */
export async function answerExchange(
  parts: DeskParts,
  from: string,
  told: HandoverExchange,
): Promise<HandoverExchange> {
  checkShape(told)
  const { head } = told
  if (head.giver !== parts.context.device || head.taker !== from || head.giver === head.taker)
    throw new WaybillError('ROLE_REFUSED', 'this handover is of other laptops')
  begin(parts, head)
  checkHead(parts.handovers.get(head.id).head, head)
  const before = heldOf(parts, head.id)
  for (const problem of await takeTold(parts, head, told)) parts.context.refused(problem)
  note(parts, told, before)
  return exchangeFor(parts, parts.handovers.get(head.id), { seen: told.seen, have: new Set(told.have) })
}

/** The taker takes the giver's answer. @returns what was not taken and why @throws NOT_FOUND, BAD_REQUEST, ROLE_REFUSED */
export async function takeAnswer(
  parts: DeskParts,
  id: string,
  from: string,
  told: HandoverExchange,
): Promise<WaybillError[]> {
  checkShape(told)
  const { head } = parts.handovers.get(id)
  if (head.giver !== from) throw new WaybillError('ROLE_REFUSED', 'this handover is with another laptop')
  checkHead(head, told.head)
  const before = heldOf(parts, id)
  const problems = await takeTold(parts, head, told)
  note(parts, told, before)
  const { isClosed, isEnded } = parts.handovers.get(id)
  const own = digestsOf(parts, id)
  const hasAll = [...own].every((digest) => told.have.includes(digest)) && told.have.every((digest) => own.has(digest))
  if (isClosed && hasAll && parts.acts.lacking(id, told.seen).length === 0 && told.ended === isEnded)
    parts.handovers.markTold(id)
  return problems
}

function exchangeFor(parts: DeskParts, { head, isEnded }: KnownHandover, has: Has | undefined): HandoverExchange {
  const { context, log } = parts
  const documents = has ? lackingDocuments(parts, head.id, has.have) : []
  return {
    ...{ v: 1, at: context.clock.now().toISOString(), head, seen: seenIn(parts, head.id) },
    acts: has ? givenActs(parts, head.id, has.seen) : [],
    have: [...digestsOf(parts, head.id)],
    ...{ documents, credentials: credentialsBehind(context.client, documents) },
    ...{ lines: null, person: log.onShift(), ended: isEnded },
  }
}

/** Of our own acts none, until they were compared with what the other laptop has of them: it gives that back. */
function seenIn({ acts, compared, context }: DeskParts, id: string): Seen {
  const { [context.device]: own = 0, ...others } = acts.seen(id)
  return compared.has(id) && own > 0 ? { ...others, [context.device]: own } : others
}

function givenActs({ acts, compared, context }: DeskParts, id: string, seen: Seen): Act[] {
  return acts.lacking(id, seen).filter(({ device }) => device !== context.device || compared.has(id))
}

function lackingDocuments({ documents }: DeskParts, id: string, have: Set<string>): string[] {
  const { revisions, signatures } = documents.of(id)
  const lacking = [...revisions, ...signatures].filter(({ digest }) => !have.has(digest))
  let room = mostGivenBytes
  const given = lacking.filter(({ jws }) => {
    room -= jws.length
    return room >= 0
  })
  return given.map(({ jws }) => jws)
}

/** Those of the signers, and of the issuers above them; every program keeps what it believes in a table `credentials`. */
function credentialsBehind(client: Database, documents: string[]): string[] {
  const find = client.prepare<[string], { jws: string }>('SELECT jws FROM credentials WHERE kid = ?')
  const path = new Map<string, string>()
  const kids = new Set(documents.map(kidOf))
  for (const kid of kids) {
    const jws = find.get(kid)?.jws
    if (jws === undefined) continue
    path.set(kid, jws)
    kids.add(kidOf(jws))
  }
  return [...path.values()]
}

function kidOf(jws: string): string {
  return JSON.parse(Buffer.from(jws.slice(0, jws.indexOf('.')), 'base64url').toString()).kid
}

/** Whose act it was, the driver's laptop tells. */
function begin({ context, handovers }: DeskParts, head: HandoverHead): void {
  if (handovers.find(head.id)) return
  context.client
    .transaction(() => {
      for (const older of handovers.openBetween(head.giver, head.taker))
        handovers.end(older.head.id, context.clock.now().toISOString())
      handovers.add(head)
    })
    .immediate()
}

/**
 * The end that either laptop knows of is the end. The pages are told of what they show; of nothing but when the other laptop was
 * heard, only now and then.
 * @param before what was held before the exchange
 */
function note(parts: DeskParts, told: HandoverExchange, before: string): void {
  const { context, handovers, heard } = parts
  const { person, seen, have, head } = told
  const { id } = head
  const [at, now] = [context.clock.now().toISOString(), context.clock.monotonic()]
  if (told.ended && !handovers.get(id).isEnded) handovers.end(id, at)
  const last = heard.get(id)
  const isNews = !last || canonicalize(last.person) !== canonicalize(person) || heldOf(parts, id) !== before
  const isDue = isNews || now - last.toldAt >= tellEveryMs
  heard.set(id, { at, toldAt: isDue ? now : last.toldAt, person, seen, have: new Set(have) })
  if (isDue) context.tell()
}

/** What is here of a handover: sets that only grow, and its end. */
function heldOf(parts: DeskParts, id: string): string {
  const { isEnded, isClosed } = parts.handovers.get(id)
  return [parts.acts.of(id).length, digestsOf(parts, id).size, isEnded, isClosed].join()
}

function checkShape(told: unknown): void {
  if (check.Check(told)) return
  const first = check.Errors(told).First()
  throw new WaybillError('BAD_REQUEST', `${first?.path || '/'} ${first?.message}`)
}

function checkHead(known: HandoverHead, told: HandoverHead): void {
  if (canonicalize(known) !== canonicalize(told))
    throw new WaybillError('BAD_REQUEST', '/head: this handover began otherwise')
}
