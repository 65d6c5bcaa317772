import { headerOf } from '../shared/crypto/read-document.ts'
import { Meeting, maxMeetingBytes } from '../shared/protocol/meeting.ts'
import { paths } from '../shared/protocol/paths.ts'
import type { WaybillError } from '../shared/service/errors.ts'
import { prepared } from '../shared/storage/prepared.ts'
import { type Absorbed, absorbMeeting } from '../shared/transfer/absorb-meeting.ts'
import type { PeerClient } from '../shared/transfer/peer-client.ts'
import { absorbCargo, type Cargo, cargoFor, followersOf, mostManifests, takeIncarnation } from './carry-back.ts'
import { type Hold, withoutSync } from './open-store.ts'

/** What a meeting told. */
export interface Met {
  told: Meeting
  /** Documents that could not be believed; the rest was taken. */
  problems: WaybillError[]
  /** How many receipts and notices were new here. */
  news: number
  /** The study document became newer. */
  study: Absorbed['study']
  /** The newest that a laptop knows of chains of its own which it has left behind. */
  tips: Absorbed['manifests']
}

/** With 48 batches a round, more than any laptop seals between two copies of its disk. */
const mostRounds = 32

const nothing: Cargo = { deliveries: [], gaps: [], custody: [], manifests: [], position: 0 }

/**
 * Meets a peer: shows what rides back with this relay, takes what the peer shows. What is said is made when the connection stands and
 * it is known who listens. A peer whose study document proves to be older is shown ours in a second exchange; a laptop whose disk
 * was restored is shown, in as many as it takes, the batches that follow those it has.
 * @throws what PeerClient throws; nothing is lost, the next meeting shows all again
 */
export async function meet(hold: Hold, client: PeerClient): Promise<Met> {
  let met = await exchange(hold, client, {})
  const studyDocument = met.told.studyVersion < hold.shelf.document.version ? hold.shelf.jws : null
  if (studyDocument !== null) met = joined(met, await exchange(hold, client, { studyDocument }))
  const { peer } = client
  let shown: string | undefined
  for (let round = 0; round < mostRounds && peer?.role === 'field'; round += 1) {
    const followers = followersOf(hold.store, peer.device, met.tips)
    if (followers.length === 0 || followers[0] === shown) break
    shown = followers[0]
    met = joined(met, await exchange(hold, client, { followers }))
  }
  return met
}

function joined(before: Met, after: Met): Met {
  return { ...after, problems: [...before.problems, ...after.problems], news: before.news + after.news }
}

/** What is said beyond what rides back. */
interface Besides {
  studyDocument?: string
  followers?: string[]
}

async function exchange(hold: Hold, client: PeerClient, besides: Besides): Promise<Met> {
  await hold.shelf.refresh()
  let position = 0
  const say = async (): Promise<Meeting> => {
    const { peer } = client
    const { position: shown, ...cargo } = peer ? cargoFor(hold.store, peer) : nothing
    position = shown
    return saying(hold, cargo, besides)
  }
  const told = await client.json('POST', paths.meeting, say, Meeting, maxMeetingBytes)
  const met = await absorb(hold, client, told)
  if (client.peer) rememberShown(hold, client.peer.device, position)
  return met
}

async function saying(
  hold: Hold,
  cargo: Omit<Cargo, 'position'>,
  { studyDocument, followers = [] }: Besides,
): Promise<Meeting> {
  return {
    v: 1,
    at: hold.clock.now().toISOString(),
    studyVersion: hold.shelf.document.version,
    studyDocument: studyDocument ?? null,
    credentials: await credentialsFor(hold, [...cargo.deliveries, ...cargo.gaps, ...cargo.custody]),
    ...cargo,
    manifests: [...followers, ...cargo.manifests].slice(0, mostManifests),
    head: null,
    lines: null,
    incarnation: null,
  }
}

function rememberShown(hold: Hold, device: string, position: number): void {
  const set = 'UPDATE peers SET shown = ? WHERE device = ? AND shown != ?'
  // Lost in a power cut, it is shown again.
  withoutSync(hold, ({ $client }) => prepared($client, set).run(position, device, position))
}

async function absorb(hold: Hold, client: PeerClient, told: Meeting): Promise<Met> {
  const absorbed = await absorbMeeting(told, hold.trust, hold.shelf)
  const news = absorbCargo(hold, absorbed)
  if (client.peer?.role === 'server' && told.incarnation) takeIncarnation(hold, client.peer.device, told.incarnation)
  return { told, problems: absorbed.problems, news, study: absorbed.study, tips: absorbed.manifests }
}

/** Own credential, those of all who signed the documents, and of the issuers of all of them. */
export async function credentialsFor(hold: Hold, documents: string[]): Promise<string[]> {
  const kids = new Set([hold.signer.kid, ...documents.map(kidOf)])
  const found = new Map<string, string>()
  for (const kid of kids) {
    const { jws } = await hold.trust.credential(kid)
    found.set(kid, jws)
    const issuer = kidOf(jws)
    if (issuer !== hold.trust.study && !found.has(issuer)) found.set(issuer, (await hold.trust.credential(issuer)).jws)
  }
  return [...found.values()]
}

function kidOf(jws: string): string {
  return String(headerOf(jws).kid)
}
