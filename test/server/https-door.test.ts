import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { Agent, fetch } from 'undici'
import { HttpsCertificate, openHttpsRoot } from '../../server/https-certificate.ts'
import { httpsNames } from '../../server/https-names.ts'
import { issueWebCertificate, makeWebRoot } from '../../shared/crypto/web-certificate.ts'
import { WaybillError } from '../../shared/service/errors.ts'
import { refused, TestServer } from '../fixtures/server-run.ts'
import { foundTestStudy } from '../fixtures/study.ts'

t.setTimeout(60_000)
const run = promisify(execFile)

async function started(t: Test) {
  const study = await foundTestStudy()
  t.teardown(study.dispose)
  const server = await TestServer.start(t, study.server)
  const root = (await openHttpsRoot(study.server.data, study.server.device)).certificate
  const rootFile = join(study.directory, 'root.pem')
  writeFileSync(rootFile, root)
  return { study, server, root, rootFile }
}

t.test(
  'who trusts the root reaches the door under each of its names; who does not, or asks by another, does not',
  async (t) => {
    const { server, root } = await started(t)
    for (const servername of ['localhost', hostname().toLowerCase()]) {
      const socket = await handshake(server.httpsPort, { ca: root, servername })
      t.equal(socket.authorized, true, servername)
      socket.destroy()
    }
    const byAddress = await handshake(server.httpsPort, { ca: root })
    t.equal(byAddress.authorized, true, '127.0.0.1')
    byAddress.destroy()
    const strangers = {
      'no trust in the root': {},
      'another name': { ca: root, servername: 'evil.example' },
      'another root of the same name': { ca: (await makeWebRoot(titleOf(root))).certificate },
    }
    for (const [who, options] of Object.entries(strangers))
      await t.rejects(handshake(server.httpsPort, options), /certificate|altnames/i, who)
  },
)

t.test('TLS 1.2 and 1.3, nothing older; no client certificate is asked for', async (t) => {
  const { server, root } = await started(t)
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const socket = await handshake(server.httpsPort, { ca: root, minVersion: version, maxVersion: version })
    t.equal(socket.getProtocol(), version)
    socket.destroy()
  }
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
  await t.rejects(handshake(server.httpsPort, { ca: root, ...old }), /protocol version|unsupported/i)
})

t.test('curl and Python, strict rules of X.509 included, with the root that `waybill trust` writes', async (t) => {
  const { server, rootFile } = await started(t)
  const address = `https://localhost:${server.httpsPort}/nowhere`
  const { stdout } = await run('curl', ['-sS', '--cacert', rootFile, '-w', ' %{http_code}', address])
  t.match(stdout, /"code":"NOT_FOUND".* 404$/)
  const told = await run('curl', ['-sS', address]).catch((error) => error)
  t.equal(told.code, 60, 'without the root curl refuses')
  const python = [
    'import ssl, sys, urllib.request, urllib.error',
    'context = ssl.create_default_context(cafile=sys.argv[1])',
    'context.verify_flags |= ssl.VERIFY_X509_STRICT',
    'try: urllib.request.urlopen(sys.argv[2], context=context)',
    'except urllib.error.HTTPError as answer: print(answer.code)',
  ].join('\n')
  t.equal((await run('/usr/bin/python3', ['-c', python, rootFile, address])).stdout, '404\n')
})

t.test('made once, readable by its owner alone, and the same after a restart', async (t) => {
  const { study, server, root } = await started(t)
  const { data, device } = study.server
  for (const name of ['https-root.pem', 'https-server.pem'])
    t.equal(statSync(join(data, name)).mode & 0o777, 0o600, name)
  const shown = readFileSync(join(data, 'https-server.pem'), 'utf8')
  await server.stop()
  await server.start()
  t.equal((await openHttpsRoot(data, device)).certificate, root)
  t.equal(readFileSync(join(data, 'https-server.pem'), 'utf8'), shown, 'the same names: the same certificate')
  const made = await Promise.all([1, 2, 3].map(() => openHttpsRoot(join(study.directory, 'new'), device)))
  t.equal(new Set(made.map(({ key }) => key)).size, 1, 'who comes second takes what is there')
  writeFileSync(join(data, 'https-root.pem'), root)
  await refused(t, openHttpsRoot(data, device), 'STORAGE_FAILED', 'a root without its key')
})

t.test('other names: another certificate under the same root, shown to new connections at once', async (t) => {
  const { study, server, root } = await started(t)
  const { data, device } = study.server
  const certificate = await HttpsCertificate.open(data, device, [])
  const shown: unknown[] = []
  const door = { setSecureContext: (context: unknown) => void shown.push(context) }
  await certificate.renew(door)
  t.equal(shown.length, 0, 'nothing changed')
  const other = await HttpsCertificate.open(data, device, ['clinic.example', '192.0.2.77'])
  t.ok(new X509Certificate(other.now.certificate).checkHost('clinic.example'))
  t.ok(new X509Certificate(other.now.certificate).checkIP('192.0.2.77'))
  t.ok(new X509Certificate(other.now.certificate).verify(new X509Certificate(root).publicKey))
  await certificate.renew(door)
  t.equal(shown.length, 1, 'what is not of these names any more gives way')
  const foreign = await makeWebRoot('Another')
  const { key, certificate: leaf } = await issueWebCertificate(foreign, httpsNames([]))
  writeFileSync(join(data, 'https-server.pem'), leaf + key)
  await certificate.renew(door)
  t.equal(shown.length, 2, 'nor what another root signed')
  const renewed = await fetch(`https://127.0.0.1:${server.httpsPort}/nowhere`, { dispatcher: trusting(t, root) })
  t.equal(renewed.status, 404)
})

t.test('names: what is no name is refused; one link is no address', (t) => {
  for (const name of [
    '',
    'a b',
    '*.example',
    'https://clinic',
    'clinic:7462',
    `${'a'.repeat(64)}.example`,
    '-a.example',
  ])
    t.throws(
      () => httpsNames([name]),
      new WaybillError('BAD_CONFIG', `httpsNames: ${name} is no host name and no address`),
    )
  t.strictSame(httpsNames(['Clinic.Example', 'localhost'], 'Lap_01').slice(0, 3), [
    'localhost',
    'clinic.example',
    '127.0.0.1',
  ])
  t.ok(httpsNames([], 'lap-01').includes('lap-01.local'))
  t.notOk(httpsNames([]).some((name) => name.startsWith('fe80')))
  t.end()
})

t.test('what browsers are told; a page of another site may not ask', async (t) => {
  const { server, root } = await started(t)
  const dispatcher = trusting(t, root)
  const own = `https://127.0.0.1:${server.httpsPort}`
  const ask = (origin?: string) =>
    fetch(`${own}/nowhere`, { dispatcher, headers: origin === undefined ? {} : { origin } })
  const { headers } = await ask()
  t.match(headers.get('content-security-policy'), "default-src 'none'; script-src 'self'")
  t.match(headers.get('x-content-type-options'), 'nosniff')
  t.match(headers.get('cache-control'), 'no-store')
  t.equal((await ask(own)).status, 404)
  for (const origin of ['https://evil.example', `http://127.0.0.1:${server.httpsPort}`, `${own}0`, 'null'])
    t.equal((await ask(origin)).status, 403, origin)
})

/** A verified connection. @throws what TLS says */
function handshake(port: number, options: object): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ...options }, () => resolve(socket))
    socket.once('error', reject)
  })
}

function trusting(t: Test, ca: string): Agent {
  const agent = new Agent({ connect: { ca } })
  t.teardown(() => agent.close())
  return agent
}

function titleOf(certificate: string): string {
  return new X509Certificate(certificate).subject.slice('CN='.length)
}
