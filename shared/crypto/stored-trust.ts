import type { Identity } from './identity.ts'
import { Trust } from './trust.ts'

/** A table `credentials(kid, jws)`, as every program's database has. */
interface CredentialStore {
  $client: {
    prepare(sql: string): { get(...values: unknown[]): unknown; run(...values: unknown[]): unknown }
  }
}

/** A trust that remembers credentials in the program's database, and knows the device's own chain and its server's. */
export async function openTrust(identity: Identity, store: CredentialStore): Promise<Trust> {
  const find = store.$client.prepare('SELECT jws FROM credentials WHERE kid = ?')
  const keep = store.$client.prepare('INSERT OR IGNORE INTO credentials (kid, jws) VALUES (?, ?)')
  const trust = new Trust(
    identity.authorityKey,
    (kid) => (find.get(kid) as { jws: string } | undefined)?.jws,
    ({ kid, jws }) => void keep.run(kid, jws),
  )
  await trust.admitAll([identity.issuerCredential, identity.credential, identity.serverCredential])
  return trust
}
