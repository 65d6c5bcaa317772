import { join } from 'node:path'
import { deviceOf, type Identity, readIdentity, signerOf } from '../shared/crypto/identity.ts'
import type { Signer } from '../shared/crypto/sign-document.ts'
import { openTrust } from '../shared/crypto/stored-trust.ts'
import type { Trust } from '../shared/crypto/trust.ts'
import { Awake } from '../shared/service/awake.ts'
import type { Clock } from '../shared/service/clock.ts'
import { WaybillError } from '../shared/service/errors.ts'
import type { Logger } from '../shared/service/logger.ts'
import { openDatabase, type Store } from '../shared/storage/open-database.ts'
import { PayloadStore } from '../shared/storage/payload-store.ts'
import { prepared } from '../shared/storage/prepared.ts'
import { StudyShelf } from '../shared/storage/study-shelf.ts'
import { commitWithoutSync } from '../shared/storage/without-sync.ts'
import { Changes } from '../shared/web/changes.ts'
import * as schema from './schema.ts'

export type RelayStore = Store<typeof schema>

/** What this relay is and all that it holds: the verbs of the journey work on it. */
export interface Hold {
  identity: Identity
  device: string
  signer: Signer
  trust: Trust
  shelf: StudyShelf
  store: RelayStore
  payloads: PayloadStore
  clock: Clock
  logger: Logger
  /** Held while data moves. */
  awake: Awake
  /** What a page shows of tubes has changed. */
  tubes: Changes
  /** One transaction, on disk when it returns. */
  commit<T>(act: (store: RelayStore) => T): T
}

/** Opens a relay's database for reading or running. */
export function openRelayStore(data: string): RelayStore {
  return openDatabase(join(data, 'waybill.sqlite'), schema, join(import.meta.dirname, 'migrations'))
}

/** Opens a relay's data directory. @throws DATA_MISSING, ROLE_REFUSED when the device is no relay */
export async function openHold(data: string, clock: Clock, logger: Logger): Promise<Hold> {
  const identity = readIdentity(data)
  if (identity.role !== 'relay') throw new WaybillError('ROLE_REFUSED', `${data} holds a ${identity.role}, not a relay`)
  const store = openRelayStore(data)
  const trust = await openTrust(identity, store)
  const commit = <T>(act: (store: RelayStore) => T): T => store.$client.transaction(() => act(store)).immediate()
  return {
    identity,
    device: deviceOf(identity),
    signer: signerOf(identity),
    trust,
    shelf: await StudyShelf.open(data, trust),
    store,
    payloads: new PayloadStore(join(data, 'payloads')),
    clock,
    logger,
    awake: new Awake(),
    tubes: new Changes(),
    commit,
  }
}

/** A commit without the wait for the disk, for what is learnt again at the next meeting when a power cut takes it back. */
export function withoutSync<T>({ store }: Hold, act: (store: RelayStore) => T): T {
  return commitWithoutSync(store.$client, () => act(store))
}

/** The next place in the order in which things came aboard for others; call it inside a commit. */
export function nextPosition(store: RelayStore): number {
  const next = prepared<[], string>(
    store.$client,
    `INSERT INTO facts (name, value) VALUES ('position', '1')
     ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT) RETURNING value`,
  )
  return Number(next.pluck().get())
}
