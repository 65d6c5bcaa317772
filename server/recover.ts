import canonicalize from 'canonicalize'
import { sha256 } from '../shared/crypto/digest.ts'
import { deviceOf, hasIdentity, type Identity, writeIdentity } from '../shared/crypto/identity.ts'
import type { Trust } from '../shared/crypto/trust.ts'
import type { Revocation, StudyDocument } from '../shared/protocol/study-document.ts'
import type { Clock } from '../shared/service/clock.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { StudyShelf } from '../shared/storage/study-shelf.ts'
import { createServer, issuerOf, type RecoveryKit } from '../study/found.ts'
import { publishFirst, publishNext } from '../study/publish.ts'
import { defaultSettings, settingsOf } from '../study/settings.ts'
import { readFact, writeFact } from './facts.ts'
import type { ServerStore } from './open-store.ts'

/**
 * Makes a new community server of the study from its recovery kit. It opens what was sealed to the lost server's recovery identity;
 * laptops, relays and their receipts bring everything else back. Its first study document counts above all that the lost one
 * published, which it learns again from whoever shows it.
 */
export async function recoverServer(kit: RecoveryKit, data: string, clock: Clock): Promise<{ server: string }> {
  if (hasIdentity(data)) throw new WaybillError('DATA_OCCUPIED', `${data} already holds a device`)
  const authority = { study: kit.study, privateKey: kit.authorityPrivateKey, certificate: kit.authorityCertificate }
  const { identity, issuer, document } = await createServer(authority, kit.name, kit.recoveryRecipient, clock)
  const version = Math.max(1_000_000, Math.floor(clock.now().getTime() / 1000))
  await publishFirst(data, issuer, { ...document, version })
  await writeIdentity(data, { ...identity, secrets: { ...identity.secrets, recovery: kit.recoveryIdentity } })
  return { server: identity.server }
}

type Epochs = StudyDocument['minimumEpoch']

/** What adopting needs to know. */
interface AdoptContext {
  store: ServerStore
  identity: Identity
  trust: Trust
  shelf: StudyShelf
  clock: Clock
  data: string
}

/**
 * On a recovered server: takes settings, devices and revocations from the newest study document of the lost server that anyone
 * shows, and publishes them as its own next version. Settings that a person has published here since stay. Elsewhere it does nothing,
 * and nothing for a document that does not verify: whoever reads the meeting has told of it.
 */
export async function adoptStudy(context: AdoptContext, shown: string | null): Promise<void> {
  const { store, identity, trust, shelf, clock, data } = context
  if (identity.secrets.recovery === undefined || shown === null) return
  const document = await verified(trust, shown)
  const adopted = Number(readFact(store, 'adoptedStudyVersion') ?? 0)
  if (!document || document.servers.includes(deviceOf(identity))) return
  // What a laptop sealed under it is checked with it.
  if (!(await shelf.version(document.version))) await StudyShelf.add(data, { jws: shown, version: document.version })
  if (document.version <= adopted) return
  const isOwn = digestOf(shelf.document) !== (readFact(store, 'adoptedSettings') ?? digestOfDefaults(shelf.document))
  await publishNext(data, shelf, issuerOf(identity), clock.now(), (own) => merge(own, document, isOwn))
  writeFact(store, 'adoptedStudyVersion', String(document.version))
  if (!isOwn) writeFact(store, 'adoptedSettings', digestOf(document))
}

async function verified(trust: Trust, jws: string): Promise<StudyDocument | undefined> {
  try {
    return (await trust.verify(jws, 'study')).document
  } catch (error) {
    if (error instanceof WaybillError) return undefined
    throw error
  }
}

function digestOf(document: StudyDocument): string {
  return sha256(canonicalize(settingsOf(document)) ?? '')
}

function digestOfDefaults({ name }: StudyDocument): string {
  return sha256(canonicalize(defaultSettings(name)) ?? '')
}

function merge(own: StudyDocument, shown: StudyDocument, keepSettings: boolean): Partial<StudyDocument> {
  return {
    ...settingsOf(keepSettings ? own : shown),
    devices: { ...shown.devices, ...own.devices },
    revocations: mergeRevocations(own.revocations, shown.revocations),
    minimumEpoch: highest(own.minimumEpoch, shown.minimumEpoch),
  }
}

/** One entry a device; of each chain the highest position that either server witnessed. */
function mergeRevocations(own: Revocation[], shown: Revocation[]): Revocation[] {
  const merged = new Map(own.map((revocation) => [revocation.device, revocation]))
  for (const revocation of shown) {
    const known = merged.get(revocation.device)
    merged.set(revocation.device, known ? { ...known, chains: mergeChains(known, revocation) } : revocation)
  }
  return [...merged.values()]
}

function mergeChains(own: Revocation, shown: Revocation): Revocation['chains'] {
  const merged = new Map(own.chains.map((place) => [place.chain, place]))
  for (const place of shown.chains)
    if (place.throughSeq > (merged.get(place.chain)?.throughSeq ?? 0)) merged.set(place.chain, place)
  return [...merged.values()]
}

function highest(own: Epochs, shown: Epochs): Epochs {
  const merged: Epochs = { ...own }
  for (const [role, epoch] of Object.entries(shown) as Array<[keyof Epochs, number]>)
    merged[role] = Math.max(merged[role] ?? 0, epoch)
  return merged
}
