import { writeFileSync } from 'node:fs'
import t from 'tap'
import { openHttpsRoot } from '../../server/https-certificate.ts'
import { AppClient } from '../fixtures/app-client.ts'
import { Deciding } from '../fixtures/decisions.ts'
import { Desk } from './desk.ts'

t.setTimeout(120_000)

t.test(
  'a running server over HTTPS, its directory and its export say the same; who has no token is refused',
  async (t) => {
    const deciding = await Deciding.begin(t, { 'a.b': { naturalKey: [] } })
    const record = (at: number, action: 'insert' | 'update' = 'insert') => ({
      ...{ id: `${action}-${at}`, model: 'a.b', pk: `${at}`, action, fields: { at, action } },
    })
    await deciding.bring(0, ...Array.from({ length: 1200 }, (_, at) => record(at)))
    await deciding.bring(0, record(7, 'update'))
    const { server } = deciding
    const app = await AppClient.open(t, server)
    const { certificate } = await openHttpsRoot(server.device.data, server.device.device)
    const desk = new Desk(t)
    writeFileSync(desk.path('token'), `${app.token}\n`)
    writeFileSync(desk.path('root.pem'), certificate)
    const address = `https://localhost:${server.httpsPort}`
    const trusted = ['--ca', desk.path('root.pem')]
    const asking = ['--token-b', desk.path('token'), ...trusted]
    t.match(
      await desk.do(['compare', server.device.data, address, ...asking]),
      /^1200 records on one side, 1200 on the other; no difference\n$/,
    )
    const exported = await desk.do(['records', '--data', server.device.data])
    writeFileSync(desk.path('old.ndjson'), exported)
    await deciding.bring(1, {
      id: 'later',
      model: 'a.b',
      pk: '7',
      action: 'update',
      base: ['update-7'],
      fields: { at: 8 },
    })
    const told = await desk.run(['compare', desk.path('old.ndjson'), address, ...asking, '--json'])
    t.match(
      [told.code, JSON.parse(told.out)],
      [1, [{ model: 'a.b', pk: '7', fields: { at: { a: 7, b: 8 }, action: { a: 'update' } } }]],
    )
    const cursor = JSON.parse(exported.split('\n')[0] ?? '').cursor
    const since = await desk.do(['records', '--data', server.device.data, '--after', cursor])
    writeFileSync(desk.path('new.ndjson'), exported + since)
    t.match(
      await desk.do(['compare', desk.path('new.ndjson'), address, ...asking]),
      /no difference/,
      'an export carried on',
    )
    writeFileSync(desk.path('token'), 'waybill_none')
    await desk.refused(
      ['compare', desk.path('old.ndjson'), address, ...asking],
      'PEER_UNREACHABLE',
      /401.*TOKEN_REFUSED/,
    )
    await desk.refused(
      ['compare', desk.path('old.ndjson'), address, '--token-b', desk.path('token')],
      'PEER_UNREACHABLE',
      /certificate/,
    )
  },
)
