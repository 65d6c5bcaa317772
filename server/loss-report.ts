import { deviceOf } from '../shared/crypto/identity.ts'
import type { StudyDocument } from '../shared/protocol/study-document.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { type BoardContext, type MeetingTold, mayBeWith, meetingsOf } from './check-in.ts'
import { type Undelivered, undelivered } from './undelivered.ts'

/** What is known to be gone with a device, if it is gone for good. */
export interface LossReport {
  device: string
  name: string
  role: string
  site: string | null
  /** Where something is not here: what, of which of its numberings. */
  chains: Undelivered[]
  changesAtMost: number
  /** Changes of it that are here, opened. */
  opened: number
  meetings: MeetingTold[]
  mayBeWith: string[]
}

const mostMeetings = 20

/**
 * What a lost or broken laptop may have taken with it: only what somebody told of it, and no more. What it recorded since nobody met it is
 * not known, and the report does not count it.
 * @throws NOT_FOUND
 */
export function lossReport({ store, identity }: BoardContext, study: StudyDocument, device: string): LossReport {
  const known = study.devices[device]
  if (!known) throw new WaybillError('NOT_FOUND', `no device ${device} in this study`)
  const chains = undelivered(store, study.limits.batchChanges, device).get(device) ?? []
  const meetings = meetingsOf(store, study, deviceOf(identity)).get(device) ?? []
  const opened = store.$client
    .prepare<[string], { changes: number }>(
      "SELECT CAST(total(changes) AS INTEGER) changes FROM batches WHERE producer = ? AND state = 'opened'",
    )
    .get(device)
  return {
    ...{ device, ...known, chains, meetings: meetings.slice(0, mostMeetings), mayBeWith: mayBeWith(chains, meetings) },
    changesAtMost: chains.reduce((sum, chain) => sum + chain.changesAtMost, 0),
    opened: opened?.changes ?? 0,
  }
}
