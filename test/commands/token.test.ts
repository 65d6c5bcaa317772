import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { Desk } from './desk.ts'

t.setTimeout(240_000)

t.test('token create, list, revoke: printed once, and who did it stays told', async (t) => {
  const desk = new Desk(t)
  const data = desk.path('server')
  await desk.do(['study', 'create', 'Motse cohort', '--data', data])
  const at = ['--data', data]
  t.match(await desk.do(['token', 'list', ...at]), /There is no token yet/)
  const token = await desk.do(['token', 'create', '--name', 'app', ...at])
  t.match(token, /^waybill_[A-Za-z0-9_-]{43}\n$/)
  await desk.refused(['token', 'create', '--name', 'app', ...at], 'BAD_ARGUMENT', /take another name/)
  await desk.do(['token', 'revoke', '--name', 'app', ...at])
  await desk.refused(['token', 'revoke', '--name', 'app', ...at], 'NOT_FOUND', /no token app in force/)
  const list = await desk.do(['token', 'list', '--json', ...at])
  t.match(JSON.parse(list), [{ name: 'app', revokedAt: /^\d{4}-/ }])
  t.notMatch(list, token.trim())
})

t.test('trust: the certificate that others import, and the sha-256 by which they know it', async (t) => {
  const desk = new Desk(t)
  const data = desk.path('server')
  await desk.do(['study', 'create', 'Motse cohort', '--data', data])
  const told = await desk.do(['trust', '--data', data, '--out', desk.path('root.pem')])
  const file = readFileSync(desk.path('root.pem'), 'utf8')
  const { fingerprint256 } = new X509Certificate(file)
  t.match(told, `sha-256: ${fingerprint256}\n`)
  t.notMatch(file, 'PRIVATE KEY', 'the key stays')
  const { certificate, sha256, port } = JSON.parse(await desk.do(['trust', '--data', data, '--json']))
  t.strictSame([certificate, port], [file, 7462], 'the same whenever it is asked for')
  t.equal(sha256, fingerprint256.replaceAll(':', '').toLowerCase())
  await desk.refused(['trust', '--data', data, '--out', desk.directory], 'BAD_ARGUMENT', /directory/)
})
