import { join } from 'node:path'
import { incarnation } from '../server/incarnation.ts'
import { openStore, type ServerStore } from '../server/open-store.ts'
import { type Identity, readIdentity } from '../shared/crypto/identity.ts'
import { openTrust } from '../shared/crypto/stored-trust.ts'
import type { Trust } from '../shared/crypto/trust.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { PayloadStore } from '../shared/storage/payload-store.ts'
import { StudyShelf } from '../shared/storage/study-shelf.ts'

/** A server's data directory, opened beside its running program or without one. */
export interface OpenedServer {
  data: string
  identity: Identity
  store: ServerStore
  trust: Trust
  shelf: StudyShelf
  payloads: PayloadStore
  close(): void
}

/** @throws DATA_MISSING, ROLE_REFUSED when the directory holds no server */
export async function openServer(data: string): Promise<OpenedServer> {
  const identity = readIdentity(data)
  if (identity.role !== 'server' && identity.role !== 'central')
    throw new WaybillError('ROLE_REFUSED', `${data} holds a ${identity.role}, not a server`)
  const store = openStore(data)
  const trust = await openTrust(identity, store)
  incarnation(store)
  const payloads = new PayloadStore(join(data, 'payloads'))
  const shelf = await StudyShelf.open(data, trust)
  return { data, identity, store, trust, shelf, payloads, close: () => store.$client.close() }
}
