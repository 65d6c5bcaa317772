import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { EnrolmentAnswer } from '../protocol/enrolment.ts'
import { Digest, Nullable } from '../protocol/fields.ts'
import { asWaybillError, WaybillError } from '../service/errors.ts'
import { writeDurably } from '../storage/durable-file.ts'
import { documentDigest, type Signer } from './sign-document.ts'

const Secret = Type.String({ minLength: 1, maxLength: 4096 })

/** The keys that a device made for itself; written once, mode 600, and never sent. */
const DeviceSecrets = Type.Object({
  signing: Secret,
  tls: Secret,
  /** An age identity, on servers only. */
  sealing: Nullable(Secret),
  /** Opens batches of a server that was lost; only after a recovery. */
  recovery: Type.Optional(Secret),
  /** Keyed digests of changes that were sealed. */
  digestKey: Digest,
  /** The issuer's signing key, on the server that adds devices. */
  issuer: Type.Optional(Secret),
})
export type DeviceSecrets = Static<typeof DeviceSecrets>

const Identity = Type.Object({ ...EnrolmentAnswer.properties, secrets: DeviceSecrets })
/** What a device is: its place in the study, and its keys. */
export type Identity = Static<typeof Identity>

const check = TypeCompiler.Compile(Identity)
const secrets = TypeCompiler.Compile(DeviceSecrets)

/** Reads the device of a data directory. @throws DATA_MISSING, BAD_DOCUMENT */
export function readIdentity(data: string): Identity {
  const identity = readJson(join(data, 'identity.json'))
  if (identity === undefined) throw new WaybillError('DATA_MISSING', `${data} holds no device`)
  if (!check.Check(identity)) {
    const first = check.Errors(identity).First()
    throw new WaybillError('BAD_DOCUMENT', `${join(data, 'identity.json')}: ${first?.path} ${first?.message}`)
  }
  return identity
}

/** Whether the data directory already holds a device. */
export function hasIdentity(data: string): boolean {
  return readJson(join(data, 'identity.json')) !== undefined
}

/** Stores the device, durably and readable by its owner alone. */
export async function writeIdentity(data: string, identity: Identity): Promise<void> {
  await writeDurably(join(data, 'identity.json'), JSON.stringify(identity, null, 2), 0o600)
}

/** The keys of a device whose adding was begun and not finished: a lost answer asks again with the same. */
export function readPendingSecrets(data: string): DeviceSecrets | undefined {
  const stored = readJson(join(data, 'keys.json'))
  return secrets.Check(stored) ? stored : undefined
}

/** Stores the keys before anything is asked for them. */
export async function writePendingSecrets(data: string, made: DeviceSecrets): Promise<void> {
  await writeDurably(join(data, 'keys.json'), JSON.stringify(made), 0o600)
}

/** This device as a signer of documents. */
export function signerOf(identity: Identity): Signer {
  return { kid: documentDigest(identity.credential), privateKey: identity.secrets.signing }
}

/** This device's own id. */
export function deviceOf(identity: Identity): string {
  const payload = identity.credential.split('.')[1] ?? ''
  return JSON.parse(Buffer.from(payload, 'base64url').toString()).device
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    if (error instanceof SyntaxError) throw new WaybillError('STORAGE_FAILED', `${path} is damaged`, { cause: error })
    throw asWaybillError(error)
  }
}
