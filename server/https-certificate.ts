import { createPublicKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import type { SecureContextOptions, Server } from 'node:tls'
import { issueWebCertificate, makeWebRoot, type WebCertificate } from '../shared/crypto/web-certificate.ts'
import { asWaybillError, WaybillError } from '../shared/service/errors.ts'
import { writeDurably, writeOnce } from '../shared/storage/durable-file.ts'
import { httpsNames } from './https-names.ts'

/** The file of the root certificate and its key. A backup takes it along: what people trust stays good after a restore. */
export const httpsRootFile = 'https-root.pem'
const leafFile = 'https-server.pem'

/** What the HTTPS door shows, kept in step with the names and addresses of this machine. */
export class HttpsCertificate {
  readonly #data: string
  readonly #root: WebCertificate
  readonly #told: string[]
  #now: WebCertificate

  private constructor(data: string, root: WebCertificate, told: string[], now: WebCertificate) {
    this.#data = data
    this.#root = root
    this.#told = told
    this.#now = now
  }

  /** @param told names besides this machine's own. @throws BAD_CONFIG, STORAGE_FAILED */
  static async open(data: string, device: string, told: string[]): Promise<HttpsCertificate> {
    const names = httpsNames(told)
    const root = await openHttpsRoot(data, device)
    return new HttpsCertificate(data, root, told, await openLeaf(data, root, names))
  }

  get now(): WebCertificate {
    return this.#now
  }

  /** A laptop's address changes with the network that it joins: then new connections are shown a new certificate. */
  async renew(server: Pick<Server, 'setSecureContext'>): Promise<void> {
    const fresh = await openLeaf(this.#data, this.#root, httpsNames(this.#told))
    if (fresh.certificate === this.#now.certificate) return
    this.#now = fresh
    server.setSecureContext(secureOptions(fresh))
  }
}

/** What browsers and apps may speak with us, and what they are shown. */
export function secureOptions({ key, certificate }: WebCertificate): SecureContextOptions {
  return { minVersion: 'TLSv1.2', key, cert: certificate }
}

/**
 * The root certificate of a server's HTTPS door, made once, by whoever needs it first: key and certificate in one file of mode 600, so
 * that they never differ.
 * @throws STORAGE_FAILED when the file is damaged
 */
export async function openHttpsRoot(data: string, device: string): Promise<WebCertificate> {
  const path = join(data, httpsRootFile)
  const stored = readPair(path)
  if (stored) return stored
  await writeOnce(path, textOf(await makeWebRoot(`Waybill ${device.slice(0, 8)}`)), 0o600)
  const made = readPair(path)
  if (!made) throw new WaybillError('STORAGE_FAILED', `${path} is damaged`)
  return made
}

/** The server's certificate for these names; issued anew when they, or the root, have changed. */
async function openLeaf(data: string, root: WebCertificate, names: string[]): Promise<WebCertificate> {
  const path = join(data, leafFile)
  const stored = readPair(path)
  if (stored && isFor(stored, root, names)) return stored
  const issued = await issueWebCertificate(root, names)
  await writeDurably(path, textOf(issued), 0o600)
  return issued
}

function isFor({ certificate }: WebCertificate, root: WebCertificate, names: string[]): boolean {
  const leaf = new X509Certificate(certificate)
  const has = (name: string) => (isIP(name) ? leaf.checkIP(name) : leaf.checkHost(name)) !== undefined
  const count = leaf.subjectAltName?.split(', ').length
  return leaf.verify(new X509Certificate(root.certificate).publicKey) && count === names.length && names.every(has)
}

function textOf({ key, certificate }: WebCertificate): string {
  return `${certificate}${key}`
}

function readPair(path: string): WebCertificate | undefined {
  const text = readIfThere(path)
  if (text === undefined) return undefined
  const [certificate] = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/.exec(text) ?? ['']
  const [key] = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----\n/.exec(text) ?? ['']
  if (!isPair({ key, certificate })) throw new WaybillError('STORAGE_FAILED', `${path} is damaged`)
  return { key, certificate }
}

function isPair({ key, certificate }: WebCertificate): boolean {
  try {
    return new X509Certificate(certificate).publicKey.equals(createPublicKey(key))
  } catch {
    return false
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw asWaybillError(error)
  }
}
