import { TypeCompiler } from '@sinclair/typebox/compiler'
import canonicalize from 'canonicalize'
import { newNonce } from '../shared/crypto/digest.ts'
import { deviceOf, signerOf } from '../shared/crypto/identity.ts'
import { makeBatch } from '../shared/crypto/make-batch.ts'
import { readDocument } from '../shared/crypto/read-document.ts'
import { signDocument } from '../shared/crypto/sign-document.ts'
import type { BatchHead } from '../shared/protocol/batch-frame.ts'
import { Change, maxChangeBytes } from '../shared/protocol/change.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { type IngestContext, ingestOne } from './ingest.ts'
import { type BatchPlace, ownPlace } from './own-place.ts'
import { Turns } from './turns.ts'

/** What a person decides: a change of this server's own chain, but for its id and its time. */
export type Draft = Pick<Change, 'model' | 'action' | 'pk' | 'naturalKey' | 'fields' | 'base'>

/** Who decides, and why. */
export interface Decider {
  user: string
  reason: string
}

const mostTries = 100
const longest = { user: 200, reason: 1000 }
const check = TypeCompiler.Compile(Change)
const turns = new Turns()

/**
 * Makes a person's decision a signed change of this server's own chain: a batch of one change, sealed to those to whom laptops seal, and
 * taken in as theirs are. It counts from then on; the server's program opens and applies it like all that came. Programs that decide at
 * once come one after the other; killed anywhere, it is decided whole or not at all, and the chain has no gap.
 * @param draft asked again when another decision came first, so that it is drafted upon that; what it throws decides nothing
 * @returns the id of the change
 * @throws BAD_ARGUMENT without a name or a reason, CHANGE_INVALID, CHANGE_TOO_LARGE, and what the disk refuses
 */
export async function decide(
  context: IngestContext,
  { user, reason }: Decider,
  draft: () => Draft | Promise<Draft>,
): Promise<string> {
  for (const [what, text] of Object.entries({ user, reason })) checkText(what as 'user' | 'reason', text)
  const id = `decision-${newNonce()}`
  await turns.take(context.identity.credential, async () => {
    for (let tries = 1; ; tries += 1) {
      try {
        // Its place first: what others decide while it is drafted takes that, and it is drafted anew.
        const place = ownPlace(context.store, deviceOf(context.identity))
        const drafted = await draft()
        const line = lineOf({ ...drafted, id, user, reason, recordedAt: context.clock.now().toISOString() })
        return await seal(context, place, line)
      } catch (error) {
        if (!(error instanceof WaybillError && error.code === 'LOCKED' && tries < mostTries)) throw error
      }
    }
  })
  return id
}

function checkText(what: 'user' | 'reason', text: string): void {
  if (text.trim() === '' || text.length > longest[what] || /\p{Cc}/u.test(text))
    throw new WaybillError('BAD_ARGUMENT', `${what}: one line of 1 to ${longest[what]} characters`)
}

/** As every server will read it: it is refused here, and not when it is opened. */
function lineOf(change: Change): string {
  if (!check.Check(change)) {
    const first = check.Errors(change).First()
    throw new WaybillError('CHANGE_INVALID', `${first?.path || '/'}: ${first?.message}`)
  }
  let line = ''
  try {
    line = canonicalize(change) ?? ''
  } catch (cause) {
    throw new WaybillError('CHANGE_INVALID', 'it holds a text or a number that has no canonical form', { cause })
  }
  if (Buffer.byteLength(line) > maxChangeBytes)
    throw new WaybillError('CHANGE_TOO_LARGE', `the decision is larger than ${maxChangeBytes} bytes`)
  return line
}

/** @throws LOCKED where another decision took the place */
async function seal(context: IngestContext, place: BatchPlace, line: string): Promise<void> {
  const { identity, shelf, clock } = context
  await shelf.refresh()
  const content = { text: Buffer.from(`${line}\n`), changes: 1, documents: [] }
  const { previous, continues, ...where } = place
  const { head, sealed } = await makeBatch({ identity, study: shelf.document }, where, content, clock.now())
  const { jws } = await signDocument('manifest', { ...head, previous, continues }, signerOf(identity))
  readDocument(jws, 'manifest')
  const size = sealed.length
  const batch: BatchHead = { v: 1, manifest: jws, path: [], credentials: [], at: null, head: null, size }
  await ingestOne(context, deviceOf(identity), batch, sealed)
}
