import t from 'tap'
import { openServer } from '../../commands/open-server.ts'
import { Day } from '../fixtures/day.ts'

t.test('two relays carry the same batches, and the direct route races them', async (t) => {
  const day = await Day.begin(t)
  const [one, two] = [await day.study.enrol('field', 'lap-01'), await day.study.enrol('field', 'lap-02')]
  const relays = [await day.study.enrol('relay', 'driver-1'), await day.study.enrol('relay', 'driver-2')]
  await day.record(one, 2500)
  await day.record(two, 700)
  await day.start(one, ['--no-push'])
  for (const relay of relays) await day.start(relay)
  await day.start(two)
  await day.start(day.server)
  await day.untilDelivered(one, two)
  for (const laptop of [one, two]) await day.record(laptop, 600)
  await day.untilDelivered(one, two)
  await day.expectEachOnce()
  await day.end()
  await day.expectVerified(day.server, one, two, ...relays)
  const { store, close } = await openServer(day.server.data)
  const carriers = store.$client.prepare<[], { by: string }>('SELECT DISTINCT by FROM hops').all()
  close()
  t.ok(carriers.length > 0, 'invariant 5: what couriers signed is in the tree of hops')
})
