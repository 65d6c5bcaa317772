import type { Change } from '../shared/protocol/change.ts'
import { WaybillError } from '../shared/service/errors.ts'
import type { FeedContext } from './feed.ts'
import { type FoundChange, findChange } from './find-change.ts'
import type { IngestContext } from './ingest.ts'
import { type Decider, type Draft, decide } from './own-chain.ts'
import { pendingDecisions } from './pending-decisions.ts'
import { ownModels } from './read-decision.ts'

/** What became of a change that is not applied. */
export type AsideState = 'waiting' | 'held' | 'quarantined' | 'discarded'

/** A change that is here and not applied: what, why, from whom, since when. */
export interface AsideEntry {
  /** Its place in the order of arrival; a list goes on after it. */
  position: number
  /** By which it is named. */
  digest: string
  state: AsideState
  code: string
  message: string
  model: string
  pk: string
  action: Change['action']
  producer: string
  producerName: string
  batch: string
  /** When its batch was taken in. */
  since: string
  /** A person has decided already, and it is not applied yet. */
  decided: 'discard' | 'retry' | null
}

type Row = Omit<AsideEntry, 'digest' | 'producerName' | 'decided'> & { digest: Buffer }

const page = 500
const [discardModel, retryModel] = [`${ownModels}discard`, `${ownModels}retry`]

/** Changes that are not applied, in the order in which they came; of one state, or of all. @throws as readFeed */
export async function* listAside(context: FeedContext, state?: AsideState, after = 0): AsyncGenerator<AsideEntry> {
  const { store, shelf } = context
  const decided = decisionsOn(await pendingDecisions(context))
  const next = store.$client.prepare<[string | null, string | null, number], Row>(
    `SELECT a.change position, c.digest, a.state, a.code, a.message, r.model, r.pk, c.action, b.producer,
     b.manifest_digest batch, b.ingested_at since FROM aside_changes a JOIN changes c ON c.position = a.change
     JOIN records r ON r.ordinal = c.record JOIN batches b ON b.ordinal = c.batch
     WHERE (? IS NULL OR a.state = ?) AND a.change > ? ORDER BY a.change LIMIT ${page}`,
  )
  let last = after
  for (
    let rows = next.all(state ?? null, state ?? null, last);
    rows.length > 0;
    rows = next.all(state ?? null, state ?? null, last)
  ) {
    for (const row of rows) {
      const digest = row.digest.toString('hex')
      const producerName = shelf.document.devices[row.producer]?.name ?? row.producer.slice(0, 8)
      yield { ...row, digest, producerName, decided: decided.get(digest) ?? null }
    }
    last = rows.at(-1)?.position ?? last
  }
}

/** One change with its text, whatever became of it. @param named its id or its digest @throws as findChange */
export async function showChange(
  context: FeedContext,
  named: string,
): Promise<FoundChange & Pick<AsideEntry, 'decided'>> {
  const decided = decisionsOn(await pendingDecisions(context))
  const found = await findChange(context, named)
  return { ...found, decided: decided.get(found.digest) ?? null }
}

/**
 * Decides that a change does not count: one that cannot be applied, or one that was. It stays in the history, and `retryChange` takes
 * that back.
 * @param named its id or its digest
 * @returns the id of the decision
 * @throws NOT_FOUND, ALREADY_DECIDED, BAD_ARGUMENT for a decision, which is taken back and not discarded; as decide
 */
export function discardChange(context: IngestContext, who: Decider, named: string): Promise<string> {
  return decide(context, who, async () => {
    const { change, digest, state } = await undecided(context, named)
    if (state === 'discarded') throw new WaybillError('ALREADY_DECIDED', `change ${change.id} is discarded`)
    return onChange(discardModel, change, digest, who)
  })
}

/**
 * Decides that a change is tried again under the newest study configuration. One that was discarded counts again.
 * @param named its id or its digest
 * @returns the id of the decision
 * @throws as discardChange; BAD_ARGUMENT also for a change that is applied, or whose turn has not come
 */
export function retryChange(context: IngestContext, who: Decider, named: string): Promise<string> {
  return decide(context, who, async () => {
    const { change, digest, state } = await undecided(context, named)
    if (state === 'applied' || state === 'opened')
      throw new WaybillError(
        'BAD_ARGUMENT',
        `change ${change.id} is ${state === 'applied' ? 'applied' : 'not looked at yet'}`,
      )
    const draft = onChange(retryModel, change, digest, who)
    return state === 'discarded' ? { ...draft, model: discardModel, action: 'delete', fields: {} } : draft
  })
}

/** @throws ALREADY_DECIDED where somebody else was quicker */
async function undecided(context: IngestContext, named: string): Promise<FoundChange> {
  const found = await showChange(context, named)
  if (found.change.model.startsWith(ownModels))
    throw new WaybillError(
      'BAD_ARGUMENT',
      `change ${found.change.id} is a decision; it is taken back by deciding otherwise`,
    )
  if (found.decided)
    throw new WaybillError(
      'ALREADY_DECIDED',
      `${found.decided} is decided for change ${found.change.id}, and not applied yet`,
    )
  return found
}

function onChange(model: string, { id }: Change, digest: string, { reason }: Decider): Draft {
  return { model, action: 'insert', pk: digest, naturalKey: [], fields: { change: id, digest, reason }, base: [] }
}

/** By the digest of the change that each decision is on. */
function decisionsOn(decisions: Change[]): Map<string, 'discard' | 'retry'> {
  return new Map(
    decisions.flatMap(({ model, action, pk }): Array<[string, 'discard' | 'retry']> => {
      if (model === discardModel) return [[pk, action === 'delete' ? 'retry' : 'discard']]
      return model === retryModel ? [[pk, 'retry']] : []
    }),
  )
}
