import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { readPeerUri } from '../../../shared/crypto/certificate.ts'
import { onlyRoles } from '../../../shared/crypto/mutual-tls.ts'
import { foundTestStudy } from '../../fixtures/study.ts'

const study = await foundTestStudy()
const other = await foundTestStudy()
t.teardown(() => [study, other].map(({ dispose }) => dispose()))
const relay = await study.enrol('relay', 'driver')
const foreign = await other.enrol('relay', 'driver')

/** As PROTOCOL.md spells it. */
function uriOf({ study, role, device, epoch }: { study: string; role: string; device: string; epoch: number }): string {
  return `waybill:${study}:${role}:${device}:${epoch}`
}

t.test('STACK, TLS: a laptop whose clock is years off is not kept out by its clock', async (t) => {
  const { authorityCertificate, issuerCertificate, certificate } = relay.identity
  for (const pem of [authorityCertificate, issuerCertificate, certificate]) {
    const { validFrom, validTo } = new X509Certificate(pem)
    t.strictSame([new Date(validFrom).getUTCFullYear(), new Date(validTo).getUTCFullYear()], [2000, 9999])
  }
  const directory = mkdtempSync(join(tmpdir(), 'waybill-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const write = (name: string, pem: string) => {
    writeFileSync(join(directory, name), pem)
    return join(directory, name)
  }
  const files = ['-CAfile', write('root', authorityCertificate), '-untrusted', write('issuer', issuerCertificate)]
  const verifyAt = (year: number, pem: string) =>
    execFileSync('openssl', ['verify', '-attime', `${Date.UTC(year, 5, 1) / 1000}`, ...files, write('own', pem)], {
      stdio: 'pipe',
    })
  for (const year of [2000, 2019, 2026, 2070, 2999]) t.match(verifyAt(year, certificate).toString(), /OK/, `in ${year}`)
  t.throws(() => verifyAt(2026, foreign.identity.certificate), 'and openssl does say no to another')
})

t.test('a certificate names study, role, device and epoch in one form', async (t) => {
  const peer = { study: study.study, role: 'relay', device: relay.device, epoch: 3 } as const
  t.strictSame(readPeerUri(`URI:${uriOf(peer)}`), peer)
  const names = ['', 'DNS:localhost', `DNS:x, URI:${uriOf(peer)}`, `URI:${uriOf(peer)}, DNS:x`, `URI:${uriOf(peer)}:1`]
  const others = [
    { ...peer, role: 'issuer' as const },
    { ...peer, device: 'short' },
    { ...peer, epoch: -1 },
  ]
  for (const text of [undefined, ...names, ...others.map((wrong) => `URI:${uriOf(wrong)}`)])
    t.equal(readPeerUri(text), undefined, String(text))
  t.throws(() => onlyRoles('field')(peer), { code: 'ROLE_REFUSED' })
  const own = new X509Certificate(relay.identity.certificate)
  t.equal(own.ca, false, 'a device signs no other device')
  t.match(readPeerUri(own.subjectAltName), { study: study.study, role: 'relay', device: relay.device, epoch: 0 })
})
