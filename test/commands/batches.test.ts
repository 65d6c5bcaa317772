import t from 'tap'
import { custodyBy } from '../fixtures/craft-batch.ts'
import { forkedChain } from '../fixtures/forked-chain.ts'
import { TestServer } from '../fixtures/server-run.ts'
import { foundTestStudy } from '../fixtures/study.ts'
import { until } from '../fixtures/until.ts'
import { Desk } from './desk.ts'

t.setTimeout(300_000)

t.test('a fork at the command line: listed, looked at, one branch released and the other refused', async (t) => {
  const study = await foundTestStudy()
  t.teardown(() => study.dispose())
  const lap = await study.enrol('field', 'lap-01')
  const relay = await study.enrol('relay', 'thabo')
  const server = await TestServer.start(t, study.server)
  const desk = new Desk(t)
  const waybill = (...args: string[]) => desk.do(['batches', ...args, '--data', study.server.data])
  t.equal(await waybill('list'), 'No batch waits for a person.\n')
  t.equal(await waybill('list', '--json'), '[]\n')
  const { trunk, a, b } = await forkedChain(server, lap)
  const direct = server.as(lap)
  await direct.meet()
  for (const batch of [...trunk, a[0]]) await direct.push(batch)
  await server.settled()
  const courier = server.as(relay)
  await courier.meet()
  await courier.push(b[0], [(await custodyBy(relay, b[0])).jws])
  for (const batch of [b[1], a[1]]) await direct.push(batch)
  await server.settled()
  const [ofB, ofA] = [b[0].digest.slice(0, 12), a[1].digest.slice(0, 12)]
  const list = await waybill('list')
  t.match(
    list,
    new RegExp(`${ofB} +waits for a person +lap-01 +\\S{8} +${ofB.slice(0, 8)} +3 +2 +thabo +20\\S+ +BATCH_CONFLICT`),
  )
  t.match(list, new RegExp(`${ofA} .* 4 +1 +itself`))
  const shown = await waybill('show', ofB)
  t.match(shown, /batch 3 of lap-01, chain \S+: waits for a person\. BATCH_CONFLICT/)
  t.match(shown, /hop 1: lap-01 to thabo[\s\S]*hop 2: thabo to /)
  t.match(shown, /behind it wait 4\n {2}holds clinic\.visit 0\+2\+0/)
  t.match(shown, new RegExp(`${ofB} +3-4 +3 +0 +2 +0 +1 +clinic\\.visit 0\\+3\\+0`))
  t.match(shown, new RegExp(`${a[0].digest.slice(0, 12)} +3-4 +2 +1 +1 +0 +1 +clinic\\.visit 0\\+2\\+0`))
  t.match(JSON.parse(await waybill('show', ofB, '--json')), {
    batch: { digest: b[0].digest, state: 'held', decided: null },
    manifest: { seq: 3, previous: trunk[1].digest },
    path: [{ hop: 1 }, { hop: 2 }],
    follow: [{ seq: 4, changes: 1 }],
    branches: { length: 2 },
  })
  const refused = (args: string[], code: 'BAD_ARGUMENT' | 'NOT_FOUND' | 'ALREADY_DECIDED', words: RegExp) =>
    desk.refused(['batches', ...args, '--data', study.server.data], code, words)
  await refused(['release', ofB], 'BAD_ARGUMENT', /--reason/)
  await refused(['show', 'ffffffff00'], 'NOT_FOUND', /no batch ffffffff00/)
  await refused(['release', b[1].digest, '--reason', 'x'], 'BAD_ARGUMENT', /batch 3 before it waits/)
  const told = await waybill('release', ofB, '--reason', 'both disks were seen', '--as', 'Naledi')
  t.match(
    told,
    /^To be released: batch 3 and 1 behind it, through 4 \(3 changes\), and what comes later on this branch\.\nReleased: batch 3 /,
  )
  t.match(told, /Decided and signed: decision-\w+\. The server applies it within seconds\.\n$/)
  t.match(JSON.parse(await waybill('refuse', ofA, '--reason', 'cloned', '--json')), { decision: /^decision-/ })
  await until('both are applied', async () => (await waybill('list')) === 'No batch waits for a person.\n')
  await server.settled()
  t.match(await waybill('list', '--state', 'refused'), /refused +lap-01 .*\(refused by \S+: cloned\)/)
  t.match(await waybill('show', ofB), /opened[\s\S]*release of \w+ by Naledi, 20\S+: both disks were seen/)
  t.match(await desk.do(['status', '--data', study.server.data]), /refused by a person +1 +1/)
  await server.stop()
  t.match(await waybill('release', ofA, '--reason', 'after all'), /It is applied when the server runs again/)
  t.match(await waybill('list', '--state', 'refused'), /\(release is decided, and not applied yet\)/)
  await refused(['refuse', ofA, '--reason', 'x'], 'ALREADY_DECIDED', /release is decided/)
})
