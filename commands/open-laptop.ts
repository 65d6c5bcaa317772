import { type DaemonStore, openStore } from '../daemon/open-store.ts'
import { type Identity, readIdentity } from '../shared/crypto/identity.ts'
import { openTrust } from '../shared/crypto/stored-trust.ts'
import type { Trust } from '../shared/crypto/trust.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { StudyShelf } from '../shared/storage/study-shelf.ts'

/** A field laptop's data directory, opened beside its running program or without one. */
export interface OpenedLaptop {
  identity: Identity
  store: DaemonStore
  trust: Trust
  shelf: StudyShelf
  close(): void
}

/** @throws DATA_MISSING, ROLE_REFUSED when the directory holds no field laptop */
export async function openLaptop(data: string): Promise<OpenedLaptop> {
  const identity = readIdentity(data)
  if (identity.role !== 'field')
    throw new WaybillError('ROLE_REFUSED', `${data} holds a ${identity.role}, not a field laptop`)
  const store = openStore(data)
  const trust = await openTrust(identity, store)
  return { identity, store, trust, shelf: await StudyShelf.open(data, trust), close: () => store.$client.close() }
}
