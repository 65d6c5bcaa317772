import type { Account } from '../accounts.ts'
import { appendAct } from '../acts.ts'
import type { ServerContext } from '../app.ts'
import { type DecidedOnBatch, refuseBatch, releaseBatch } from '../decide-batches.ts'
import type { BatchVerbs } from '../routes/batch-routes.ts'
import { showBatch } from '../show-batch.ts'
import { listWaiting } from '../waiting-batches.ts'
import { actorOf } from './study-verbs.ts'

const pageSize = 50

/** Batches that wait for a person. @param decided there is a batch to open: the decision's own */
export function batchVerbs(context: ServerContext, decided: () => void): BatchVerbs {
  /** The decision itself is signed and on disk first: it names who and why, whatever becomes of this line of the log. */
  const by = async (account: Account, act: 'release' | 'refuse', reason: string, deed: Promise<DecidedOnBatch>) => {
    const { decision, batch, follow } = await deed
    const told = { decision, laptop: batch.producer, number: batch.seq, following: follow.map(({ seq }) => seq) }
    appendAct(
      context.store,
      actorOf(account),
      { act, about: `batch ${batch.digest}`, new: told, reason },
      context.clock.now(),
    )
    decided()
    return decision
  }
  const who = ({ name }: Account, reason: string) => ({ user: name, reason })
  return {
    list: (state, after) => list(context, state, after),
    show: async (digest) => {
      const { manifest, ...shown } = await showBatch(context, digest)
      return { ...shown, sealedAt: manifest.sealedAt }
    },
    release: (account, digest, { reason, through }) =>
      by(account, 'release', reason, releaseBatch(context, who(account, reason), digest, through)),
    refuse: (account, digest, reason) =>
      by(account, 'refuse', reason, refuseBatch(context, who(account, reason), digest)),
  }
}

async function list(context: ServerContext, state: 'waiting' | 'refused', after: number) {
  const batches = []
  for await (const batch of listWaiting(context, state === 'refused' ? state : undefined, after)) {
    if (batches.length === pageSize) return { batches, next: batches.at(-1)?.ordinal ?? null }
    batches.push(batch)
  }
  return { batches, next: null }
}
