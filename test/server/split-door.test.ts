import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:tls'
import { fastify } from 'fastify'
import { pino } from 'pino'
import t from 'tap'
import { createSplitServer } from '../../server/split-door.ts'
import type { Identity } from '../../shared/crypto/identity.ts'
import { tlsMaterial } from '../../shared/crypto/mutual-tls.ts'
import { foundTestStudy } from '../fixtures/study.ts'
import { until } from '../fixtures/until.ts'

const study = await foundTestStudy()
const foreign = await foundTestStudy()
t.teardown(() => [study, foreign].map(({ dispose }) => dispose()))

t.test('who is refused sees a connection that breaks; the log says why', async (t) => {
  const logged: string[] = []
  const logger = pino({ level: 'info' }, { write: (line: string) => void logged.push(line) })
  const [devices, enrolment] = [fastify(), fastify()]
  await Promise.all([devices.ready(), enrolment.ready()])
  const { server, dropStrangers } = createSplitServer(study.server.identity, devices, enrolment, logger)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    dropStrangers()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const visit = async (identity: Identity | undefined, maxVersion: 'TLSv1.2' | 'TLSv1.3') => {
    const own = identity ? { ...tlsMaterial(identity) } : {}
    const socket = connect({
      ...own,
      ...{ host: '127.0.0.1', port, rejectUnauthorized: false, minVersion: 'TLSv1.2', maxVersion },
    })
    socket.on('error', () => undefined)
    socket.resume()
    socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
    await new Promise((resolve) => socket.once('close', resolve))
  }
  await visit((await foreign.enrol('field', 'lap')).identity, 'TLSv1.3')
  await until('the refusal is logged', () => logged.length === 1)
  t.match(JSON.parse(logged[0] ?? ''), { code: 'CREDENTIAL_REFUSED', peer: '127.0.0.1', reason: /\w/ })
  await visit(undefined, 'TLSv1.2')
  await until('the second is logged', () => logged.length === 2)
  t.match(JSON.parse(logged[1] ?? ''), { code: 'CREDENTIAL_REFUSED', reason: /protocol|version/i })
  await visit((await study.enrol('field', 'own')).identity, 'TLSv1.3')
  await visit(undefined, 'TLSv1.3')
  t.equal(logged.length, 2, 'an enrolled device, and one that has no certificate yet, are not told of')
})
