import { createHash, randomBytes, webcrypto, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { privateKey } from './keys.ts'
import { loadX509 } from './x509.ts'

/** A key and its certificate, for those who have no device of the study: browsers and apps. Both PEM. */
export interface WebCertificate {
  key: string
  certificate: string
}

/** Browsers refuse Ed25519. */
const curve = { name: 'ECDSA', namedCurve: 'P-256' }
const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' }
// As with the devices' certificates: a clock may be years off, and must not shut people out.
const dates = { notBefore: new Date('2000-01-01T00:00:00Z'), notAfter: new Date('9999-12-31T23:59:59Z') }

/** A new root certificate, which people and apps are told to trust. @param name what they find it under */
export async function makeWebRoot(name: string): Promise<WebCertificate> {
  const x509 = await loadX509()
  const keys = await newKeys()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...{ serialNumber: newSerial(), name: `CN=${name}`, keys, signingAlgorithm, ...dates },
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { key: await pemOf(keys.privateKey), certificate: `${certificate.toString('pem')}\n` }
}

/** A server's certificate under a root, with a key of its own. @param names host names and addresses, the first as its title */
export async function issueWebCertificate(root: WebCertificate, names: string[]): Promise<WebCertificate> {
  const x509 = await loadX509()
  const keys = await newKeys()
  const { subject, publicKey } = new X509Certificate(root.certificate)
  const rootKey = publicKey.toCryptoKey(curve, true, ['verify']) as webcrypto.CryptoKey
  const certificate = await x509.X509CertificateGenerator.create({
    ...{ serialNumber: newSerial(), subject: `CN=${names[0]}`, issuer: subject, signingAlgorithm, ...dates },
    publicKey: keys.publicKey,
    signingKey: privateKey(root.key).toCryptoKey(curve, false, ['sign']),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value }))),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(rootKey),
    ],
  })
  return { key: await pemOf(keys.privateKey), certificate: `${certificate.toString('pem')}\n` }
}

/** What a person compares: sha-256 over the certificate itself (not its PEM), 64 lowercase hex digits. */
export function fingerprintOf(certificate: string): string {
  return createHash('sha256').update(new X509Certificate(certificate).raw).digest('hex')
}

async function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(curve, true, ['sign', 'verify'])
}

/** 15 random bytes, not negative and without a leading zero, as DER wants them. */
function newSerial(): string {
  return `7f${randomBytes(15).toString('hex')}`
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  const bytes = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64')
  return `-----BEGIN PRIVATE KEY-----\n${bytes.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`
}
