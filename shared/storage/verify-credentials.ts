import type { Identity } from '../crypto/identity.ts'
import { documentDigest } from '../crypto/sign-document.ts'
import type { Trust } from '../crypto/trust.ts'
import { naming, WaybillError } from '../service/errors.ts'

/** A table `credentials(kid, jws)`, as every program's database has. */
interface CredentialStore {
  $client: { prepare(sql: string): { all(): unknown[] } }
}

/**
 * Verifies again the device's own credentials and every stored one, and lets the trust know them: nothing that was believed before
 * is taken for granted.
 * @throws CREDENTIAL_REFUSED, SIGNATURE_INVALID... naming the credential
 */
export async function verifyCredentials(trust: Trust, identity: Identity, store: CredentialStore): Promise<void> {
  await trust.admitAll([identity.issuerCredential, identity.credential, identity.serverCredential])
  const rows = store.$client.prepare('SELECT kid, jws FROM credentials').all() as Array<{ kid: string; jws: string }>
  const moved = rows.find(({ kid, jws }) => documentDigest(jws) !== kid)
  if (moved) throw new WaybillError('CREDENTIAL_REFUSED', `credential ${moved.kid} is not what it is stored as`)
  const jwss = rows.map(({ jws }) => jws)
  await naming('a stored credential', () => trust.admitAll(jwss))
}
