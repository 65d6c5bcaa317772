import { randomBytes } from 'node:crypto'
import { identityToRecipient } from 'age-encryption'
import { sha256 } from '../shared/crypto/digest.ts'
import type { DeviceSecrets } from '../shared/crypto/identity.ts'
import { newSealingKey, newSigningKey, publicKeyOf, signText } from '../shared/crypto/keys.ts'
import type { DeviceKeys, EnrolmentRequest } from '../shared/protocol/enrolment.ts'

/** Makes a device's keys. A server also gets one to open what is sealed to it. */
export async function makeDeviceSecrets(sealing: boolean): Promise<DeviceSecrets> {
  return {
    signing: newSigningKey(),
    tls: newSigningKey(),
    sealing: sealing ? (await newSealingKey()).identity : null,
    digestKey: randomBytes(32).toString('hex'),
  }
}

/** The public halves. */
export async function publicKeysOf(secrets: DeviceSecrets): Promise<DeviceKeys> {
  const sealingKey = secrets.sealing === null ? null : await identityToRecipient(secrets.sealing)
  return { signingKey: publicKeyOf(secrets.signing), tlsKey: publicKeyOf(secrets.tls), sealingKey }
}

/** What the device signs to prove that it holds its signing key. */
export function keysDigest(keys: DeviceKeys): string {
  return sha256(`${keys.signingKey}.${keys.tlsKey}.${keys.sealingKey ?? ''}`)
}

/** The request that a device makes, with the code's secret or, in a file, with none. */
export async function makeRequest(secrets: DeviceSecrets, secret: string | null): Promise<EnrolmentRequest> {
  const keys = await publicKeysOf(secrets)
  return { v: 1, secret, keys, proof: signText(keysDigest(keys), secrets.signing) }
}
