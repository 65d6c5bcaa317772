import { credentialsBehind } from '../shared/crypto/credential-path.ts'
import { deviceOf, type Identity } from '../shared/crypto/identity.ts'
import type { Trust, Verified } from '../shared/crypto/trust.ts'
import type { Head } from '../shared/protocol/custody-receipt.ts'
import type { Meeting } from '../shared/protocol/meeting.ts'
import type { Clock } from '../shared/service/clock.ts'
import { asWaybillError, type WaybillError } from '../shared/service/errors.ts'
import { prepared } from '../shared/storage/prepared.ts'
import type { StudyShelf } from '../shared/storage/study-shelf.ts'
import { absorbMeeting, type ServerWord } from '../shared/transfer/absorb-meeting.ts'
import { adoptStudy } from './adopt-study.ts'
import { currentChain } from './chain.ts'
import { recountChain } from './cover.ts'
import { takeFollowers, unprovenTips } from './followers.ts'
import { lifeOf } from './lives.ts'
import type { DaemonStore } from './open-store.ts'
import { ownManifests, recogniseOwn } from './recognise-own.ts'
import { unsealed } from './sealer.ts'
import { keepCustody } from './take-custody.ts'
import { takeDelivery, takeLife } from './take-delivery.ts'
import { takeGaps } from './take-gaps.ts'

/** What meeting a peer needs to know. */
export interface MeetContext {
  store: DaemonStore
  identity: Identity
  trust: Trust
  shelf: StudyShelf
  clock: Clock
}

/** What this laptop tells a peer: its own receipts, its head, and the study document where the peer's is older. */
export async function ownMeeting(
  { store, identity, trust, shelf, clock }: MeetContext,
  peerVersion: number,
): Promise<Meeting> {
  const deliveries = allJws(store, 'deliveries')
  const gaps = allJws(store, 'gaps')
  const manifests = unprovenTips(store, currentChain(store).chain)
  const studyDocument = shelf.document.version > peerVersion ? shelf.jws : null
  const signed = [...deliveries, ...gaps, ...manifests, shelf.jws]
  return {
    v: 1,
    at: clock.now().toISOString(),
    studyVersion: shelf.document.version,
    studyDocument,
    credentials: [...(await credentialsBehind(trust, signed)), identity.credential],
    deliveries,
    gaps,
    custody: [],
    manifests,
    head: headOf(store),
    lines: null,
    incarnation: null,
  }
}

/** The newest batch and what waits to be sealed, as the laptop says of itself. */
export function headOf(store: DaemonStore): Head {
  const { chain, seq } = currentChain(store)
  return { chain, seq, unsealed: unsealed(store, 1_000_000) }
}

/**
 * Takes what a peer told, each document on its own.
 * @param giver the peer's device
 * @returns what could not be taken
 */
export async function absorb(context: MeetContext, giver: string, meeting: Meeting): Promise<WaybillError[]> {
  const { store, identity, trust, shelf } = context
  const device = deviceOf(identity)
  // Of other laptops' chains it matters only in which life the server is.
  const isNews = ({ producer, server, incarnation }: ServerWord) =>
    producer === device || lifeOf(store, server)?.nonce !== incarnation.nonce
  const absorbed = await absorbMeeting(meeting, trust, shelf, isNews)
  const { manifests, deliveries, gaps, custody } = absorbed
  const problems = [...absorbed.problems]
  const attempt = (act: () => unknown) => {
    try {
      act()
    } catch (error) {
      problems.push(asWaybillError(error))
    }
  }
  // Each on its own in one transaction: what one of them throws takes back nothing of the others, and the disk is asked once.
  const takeAll = store.$client.transaction(() => {
    attempt(() => adoptStudy(store, shelf.document))
    attempt(() => recogniseOwn(store, device, absorbed))
    attempt(() => takeProofs(store, ownManifests(device, manifests)))
    for (const receipt of custody) attempt(() => keepCustody(store, device, giver, [receipt]))
    for (const { document } of [...deliveries, ...gaps])
      attempt(() => takeLife(store, document.server, document.incarnation))
    for (const delivery of deliveries) attempt(() => takeDelivery(store, device, delivery))
    for (const notice of gaps) attempt(() => takeGaps(store, device, notice))
  })
  attempt(() => takeAll.immediate())
  return problems
}

/** Batches of ours that follow what this disk has: receipts that name them cover more than before. */
function takeProofs(store: DaemonStore, manifests: Verified<'manifest'>[]): void {
  store.$client
    .transaction(() => {
      for (const chain of takeFollowers(store, manifests)) recountChain(store, chain)
    })
    .immediate()
}

function allJws(store: DaemonStore, table: 'deliveries' | 'gaps'): string[] {
  return prepared<[], { jws: string }>(store.$client, `SELECT jws FROM ${table} LIMIT 1000`)
    .all()
    .map(({ jws }) => jws)
}
