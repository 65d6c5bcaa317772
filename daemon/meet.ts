import { credentialsBehind } from '../shared/crypto/credential-path.ts'
import { deviceOf, type Identity } from '../shared/crypto/identity.ts'
import type { Trust } from '../shared/crypto/trust.ts'
import type { Head } from '../shared/protocol/custody-receipt.ts'
import type { Meeting } from '../shared/protocol/meeting.ts'
import type { Clock } from '../shared/service/clock.ts'
import { asWaybillError, type WaybillError } from '../shared/service/errors.ts'
import type { StudyShelf } from '../shared/storage/study-shelf.ts'
import { absorbMeeting } from '../shared/transfer/absorb-meeting.ts'
import { continueBeyond, currentChain } from './chain.ts'
import { recountAll } from './cover.ts'
import type { DaemonStore } from './open-store.ts'
import { outboxSize } from './sealer.ts'
import { keepCustody } from './take-custody.ts'
import { takeDelivery } from './take-delivery.ts'

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
  const studyDocument = shelf.document.version > peerVersion ? shelf.jws : null
  const signed = [...deliveries, ...gaps, shelf.jws]
  return {
    v: 1,
    at: clock.now().toISOString(),
    studyVersion: shelf.document.version,
    studyDocument,
    credentials: [...(await credentialsBehind(trust, signed)), identity.credential],
    deliveries,
    gaps,
    custody: [],
    manifests: [],
    head: headOf(store),
    incarnation: null,
  }
}

/** The newest batch and what waits to be sealed, as the laptop says of itself. */
export function headOf(store: DaemonStore): Head {
  const { chain, seq } = currentChain(store)
  return { chain, seq, unsealed: outboxSize(store, 1_000_000).changes }
}

/** Takes what a peer told, each document on its own. @returns what could not be taken */
export async function absorb(context: MeetContext, meeting: Meeting): Promise<WaybillError[]> {
  const { store, identity, trust, shelf } = context
  const device = deviceOf(identity)
  const absorbed = await absorbMeeting(meeting, trust, shelf)
  if (absorbed.study === 'newer') recountAll(store, shelf.document.servers)
  const problems = [...absorbed.problems]
  const attempt = (act: () => unknown) => {
    try {
      act()
    } catch (error) {
      problems.push(asWaybillError(error))
    }
  }
  for (const receipt of absorbed.custody) attempt(() => keepCustody(store, [receipt]))
  for (const delivery of absorbed.deliveries) attempt(() => takeDelivery(store, device, delivery))
  for (const { document, jws } of absorbed.gaps)
    if (document.producer === device) attempt(() => keepGap(store, document.chain, document.server, jws))
  attempt(() => recogniseOwn(store, device, absorbed))
  return problems
}

/** Proof of a restored disk: our own signature, or a server's word for it, on a batch that this disk does not know. */
function recogniseOwn(
  store: DaemonStore,
  device: string,
  { manifests, deliveries }: Pick<Awaited<ReturnType<typeof absorbMeeting>>, 'manifests' | 'deliveries'>,
): void {
  const shown = manifests
    .filter(({ document, signer }) => document.producer === device && signer.device === device)
    .map(({ document, digest }) => ({ chain: document.chain, seq: document.seq, digest }))
  for (const { document } of deliveries)
    if (document.producer === device && document.throughDigest !== null)
      shown.push({ chain: document.chain, seq: document.through, digest: document.throughDigest })
  for (const place of shown.sort((a, b) => b.seq - a.seq)) continueBeyond(store, place)
}

function keepGap(store: DaemonStore, chain: string, server: string, jws: string): void {
  store.$client.prepare('INSERT OR REPLACE INTO gaps (chain, server, jws) VALUES (?, ?, ?)').run(chain, server, jws)
}

function allJws(store: DaemonStore, table: 'deliveries' | 'gaps'): string[] {
  return store.$client
    .prepare<[], { jws: string }>(`SELECT jws FROM ${table} LIMIT 1000`)
    .all()
    .map(({ jws }) => jws)
}
