import { randomBytes } from 'node:crypto'
import type { Extension } from '@peculiar/x509'
import type { Role } from '../protocol/role.ts'
import { privateKey, publicKey } from './keys.ts'
import { loadX509 } from './x509.ts'

// A laptop's clock may be years off: the dates bind nobody, epoch and revocation in the study document do.
const notBefore = new Date('2000-01-01T00:00:00Z')
const notAfter = new Date('9999-12-31T23:59:59Z')
const algorithm = { name: 'Ed25519' }

/** Who a TLS certificate says its holder is: opaque ids only, for it is shown before the other side is known. */
export interface CertifiedPeer {
  study: string
  role: Role
  device: string
  epoch: number
}

/** A certificate authority's certificate (RFC 5280): of the study's authority, or of an issuer under it. PEM. */
export async function certifyAuthority(
  subject: string,
  key: string,
  signer: { subject: string; privateKey: string },
  depth: number,
): Promise<string> {
  const { BasicConstraintsExtension, KeyUsageFlags, KeyUsagesExtension } = await loadX509()
  const constraints = [
    new BasicConstraintsExtension(true, depth, true),
    new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
  ]
  return certify(subject, key, signer, constraints)
}

/** A device's TLS certificate, which names it in a URI as `peerUri` spells it. PEM. */
export async function certifyDevice(
  peer: CertifiedPeer,
  key: string,
  signer: { subject: string; privateKey: string },
): Promise<string> {
  const { BasicConstraintsExtension, KeyUsageFlags, KeyUsagesExtension, SubjectAlternativeNameExtension } =
    await loadX509()
  return certify(`CN=${peer.device}`, key, signer, [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new SubjectAlternativeNameExtension([{ type: 'url', value: peerUri(peer) }]),
  ])
}

/** `waybill:STUDY:ROLE:DEVICE:EPOCH` */
function peerUri({ study, role, device, epoch }: CertifiedPeer): string {
  return `waybill:${study}:${role}:${device}:${epoch}`
}

/** Reads the peer out of a verified certificate's subject alternative names; undefined where it names none. */
export function readPeerUri(names: string | undefined): CertifiedPeer | undefined {
  const uri = /^URI:waybill:([0-9a-f]{64}):(field|relay|server|central):([0-9a-f]{32}):(\d{1,9})$/.exec(names ?? '')
  if (!uri) return undefined
  const [, study = '', role, device = '', epoch] = uri
  return { study, role: role as Role, device, epoch: Number(epoch) }
}

/** The subject of a study's authority, and of the issuer with this key. */
export function authoritySubject(study: string): string {
  return `CN=waybill ${study}`
}

export function issuerSubject(device: string): string {
  return `CN=waybill issuer ${device}`
}

async function certify(
  subject: string,
  key: string,
  signer: { subject: string; privateKey: string },
  extensions: Extension[],
): Promise<string> {
  const { X509CertificateGenerator } = await loadX509()
  const certificate = await X509CertificateGenerator.create({
    serialNumber: `00${randomBytes(15).toString('hex')}`.replace(/^0000/, '0001'),
    subject,
    issuer: signer.subject,
    notBefore,
    notAfter,
    publicKey: publicKey(key).toCryptoKey(algorithm, true, ['verify']),
    signingKey: privateKey(signer.privateKey).toCryptoKey(algorithm, false, ['sign']),
    signingAlgorithm: algorithm,
    extensions,
  })
  return `${certificate.toString('pem')}\n`
}
