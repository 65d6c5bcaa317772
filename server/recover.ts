import { deviceOf, hasIdentity, type Identity, writeIdentity } from '../shared/crypto/identity.ts'
import type { Trust } from '../shared/crypto/trust.ts'
import type { StudyDocument } from '../shared/protocol/study-document.ts'
import type { Clock } from '../shared/service/clock.ts'
import { WaybillError } from '../shared/service/errors.ts'
import type { StudyShelf } from '../shared/storage/study-shelf.ts'
import { createServer, issuerOf, type RecoveryKit } from '../study/found.ts'
import { publishFirst, publishNext } from '../study/publish.ts'
import { settingsOf } from '../study/settings.ts'
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
 * shows, and publishes them as its own next version. Elsewhere it does nothing.
 */
export async function adoptStudy(context: AdoptContext, shown: string | null): Promise<void> {
  const { store, identity, trust, shelf, clock, data } = context
  if (identity.secrets.recovery === undefined || shown === null) return
  const { document } = await trust.verify(shown, 'study')
  const adopted = Number(readFact(store, 'adoptedStudyVersion') ?? 0)
  if (document.version <= adopted || document.servers.includes(deviceOf(identity))) return
  const issuer = issuerOf(identity)
  await publishNext(data, shelf, issuer, clock.now(), (own) => merge(own, document))
  writeFact(store, 'adoptedStudyVersion', String(document.version))
}

function merge(own: StudyDocument, shown: StudyDocument): Partial<StudyDocument> {
  return {
    ...settingsOf(shown),
    devices: { ...shown.devices, ...own.devices },
    revocations: [...own.revocations, ...shown.revocations],
    minimumEpoch: shown.minimumEpoch,
  }
}
