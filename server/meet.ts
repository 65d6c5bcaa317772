import type { CertifiedPeer } from '../shared/crypto/certificate.ts'
import { credentialsBehind } from '../shared/crypto/credential-path.ts'
import { deviceOf, type Identity } from '../shared/crypto/identity.ts'
import type { Trust, Verified } from '../shared/crypto/trust.ts'
import type { Meeting } from '../shared/protocol/meeting.ts'
import type { Clock } from '../shared/service/clock.ts'
import type { WaybillError } from '../shared/service/errors.ts'
import type { StudyShelf } from '../shared/storage/study-shelf.ts'
import { absorbMeeting } from '../shared/transfer/absorb-meeting.ts'
import { witness } from './chain.ts'
import { signChains, signedChains } from './delivery.ts'
import { incarnation, noticeRestore } from './incarnation.ts'
import { noteMeeting } from './meetings.ts'
import type { ServerStore } from './open-store.ts'
import { adoptStudy } from './recover.ts'

const mostNewest = 16
/** With the newest ones, no more than a meeting may hold. */
const mostFollowers = 48

/** What meeting a courier or a laptop needs to know. */
export interface MeetContext {
  store: ServerStore
  identity: Identity
  trust: Trust
  shelf: StudyShelf
  clock: Clock
  data: string
}

/**
 * Answers a meeting. A server that is shown its own signature above its state begins its next incarnation before it answers;
 * a field laptop is told of its own chains, a relay of all.
 */
export async function answerMeeting(
  context: MeetContext,
  peer: CertifiedPeer,
  meeting: Meeting,
): Promise<{ answer: Meeting; problems: WaybillError[] }> {
  const { store, identity, trust, shelf, clock } = context
  const absorbed = await absorbMeeting(meeting, trust, shelf)
  await adoptStudy(context, meeting.studyDocument)
  noticeRestore(
    store,
    deviceOf(identity),
    absorbed.deliveries.map(({ document }) => document),
  )
  noteMet(context, peer, meeting)
  if (peer.role === 'field' && meeting.head && meeting.head.seq > 0) witness(store, peer.device, meeting.head)
  await signChains(context)
  const { deliveries, gaps } = signedChains(store, peer.role === 'field' ? peer.device : undefined)
  const manifests =
    peer.role === 'field'
      ? [...newestManifests(store, peer.device), ...followersOf(store, peer.device, absorbed.manifests)]
      : []
  const answer: Meeting = {
    v: 1,
    at: clock.now().toISOString(),
    studyVersion: shelf.document.version,
    studyDocument: shelf.document.version > meeting.studyVersion ? shelf.jws : null,
    credentials: [...(await credentialsBehind(trust, [...deliveries, ...manifests, shelf.jws])), identity.credential],
    deliveries,
    gaps,
    custody: [],
    manifests,
    head: null,
    lines: null,
    incarnation: incarnation(store),
  }
  return { answer, problems: absorbed.problems }
}

function noteMet({ store, identity, clock }: MeetContext, { device, role }: CertifiedPeer, { head }: Meeting): void {
  const now = clock.now()
  const met = { device, by: deviceOf(identity), at: now.toISOString(), head: role === 'field' ? head : null }
  noteMeeting(store, met, now)
}

/** Proof for a laptop whose disk was restored: the newest batches that it signed. It costs no more with a longer history. */
function newestManifests(store: ServerStore, producer: string): string[] {
  return store.$client
    .prepare<[string], { manifest: string }>(
      `SELECT b.manifest FROM chains c JOIN batches b ON b.producer = c.producer AND b.chain = c.chain
       AND b.seq = (SELECT max(seq) FROM batches WHERE producer = c.producer AND chain = c.chain)
       WHERE c.producer = ? ORDER BY b.ordinal DESC LIMIT ${mostNewest}`,
    )
    .all(producer)
    .map(({ manifest }) => manifest)
}

/**
 * What follows, one the other, the batches that a laptop shows as the newest it knows of chains that it has left behind: with them
 * its restored disk knows its batches for ancestors of what was delivered here.
 */
function followersOf(store: ServerStore, producer: string, shown: Verified<'manifest'>[]): string[] {
  const next = store.$client.prepare<[string, string, number, string], { manifest: string; digest: string }>(
    `SELECT manifest, manifest_digest digest FROM batches WHERE producer = ? AND chain = ? AND seq = ? AND previous = ?
     ORDER BY state = 'opened' DESC, ordinal LIMIT 1`,
  )
  const followers: string[] = []
  for (const { document, digest, signer } of shown) {
    if (document.producer !== producer || signer.device !== producer) continue
    let { seq, tip } = { seq: document.seq, tip: digest }
    while (followers.length < mostFollowers) {
      seq += 1
      const found = next.get(producer, document.chain, seq, tip)
      if (!found) break
      followers.push(found.manifest)
      tip = found.digest
    }
  }
  return followers
}
