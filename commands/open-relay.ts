import { openRelayStore, type RelayStore } from '../relay/open-store.ts'
import { type Identity, readIdentity } from '../shared/crypto/identity.ts'
import { openTrust } from '../shared/crypto/stored-trust.ts'
import type { Trust } from '../shared/crypto/trust.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { StudyShelf } from '../shared/storage/study-shelf.ts'

/** A relay's data directory, opened beside its running program or without one. */
export interface OpenedRelay {
  identity: Identity
  store: RelayStore
  trust: Trust
  shelf: StudyShelf
  close(): void
}

/** @throws DATA_MISSING, ROLE_REFUSED when the directory holds no relay */
export async function openRelay(data: string): Promise<OpenedRelay> {
  const identity = readIdentity(data)
  if (identity.role !== 'relay') throw new WaybillError('ROLE_REFUSED', `${data} holds a ${identity.role}, not a relay`)
  const store = openRelayStore(data)
  const trust = await openTrust(identity, store)
  return { identity, store, trust, shelf: await StudyShelf.open(data, trust), close: () => store.$client.close() }
}
