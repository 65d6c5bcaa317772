import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openLaptop } from '../../commands/open-laptop.ts'
import { openRelay } from '../../commands/open-relay.ts'
import { verifyLaptop } from '../../daemon/verify.ts'
import { verifyRelay } from '../../relay/verify.ts'
import { systemClock } from '../../shared/service/clock.ts'
import { PayloadStore } from '../../shared/storage/payload-store.ts'
import { draw, handoverSettings, Side } from '../fixtures/handover-side.ts'
import { startInProcess } from '../fixtures/in-process.ts'
import { foundTestStudy, type TestDevice } from '../fixtures/study.ts'
import { until } from '../fixtures/until.ts'

async function start(t: Test, device: TestDevice) {
  const program = await startInProcess(t, device, systemClock)
  return { ...program, side: await Side.open(device, program) }
}

/** Flips one character in the middle of each stored document in turn, and expects that verifying names the document. */
async function expectFlipsFound(
  t: Test,
  { data }: TestDevice,
  open: typeof openLaptop | typeof openRelay,
  verify: () => Promise<unknown>,
): Promise<void> {
  const opened = await open(data)
  const { $client: client } = opened.store
  for (const table of ['desk_revisions', 'desk_signatures']) {
    const rows = client.prepare<[], { digest: string; jws: string }>(`SELECT digest, jws FROM ${table}`).all()
    t.not(rows.length, 0, `${table}: there are some`)
    const put = client.prepare(`UPDATE ${table} SET jws = ? WHERE digest = ?`)
    for (const { digest, jws } of rows)
      for (const place of flips(jws)) {
        put.run(jws.slice(0, place) + (jws[place] === 'A' ? 'B' : 'A') + jws.slice(place + 1), digest)
        await t.rejects(verify(), { message: new RegExp(`the handover document ${digest}`) }, `${table} at ${place}`)
        put.run(jws, digest)
      }
  }
  opened.close()
  await t.resolves(verify(), 'as it was, it verifies')
}

/** In the header, in what is said, and in the signature. */
function flips(jws: string): number[] {
  const [first, last] = [jws.indexOf('.'), jws.lastIndexOf('.')]
  return [Math.floor(first / 2), Math.floor((first + last) / 2), last + 40]
}

t.test(
  'two drivers at one laptop at the same moment, and a tube that both scanned; each document is verified',
  async (t) => {
    const study = await foundTestStudy()
    t.teardown(() => study.dispose())
    await study.publish(() => handoverSettings)
    const laptop = await study.enrol('field', 'lap-01')
    const [thabo, naledi] = [await study.enrol('relay', 'thabo'), await study.enrol('relay', 'naledi')]
    await draw(laptop, ['TWIN001', 'TWIN002', 'TWIN003', 'TWIN004'])
    const field = await start(t, laptop)
    const [first, second] = [await start(t, thabo), await start(t, naledi)]
    for (const { side } of [first, second])
      await until('the list is here', async () => (await side.expected(laptop)) === 4)
    const [one, other] = await Promise.all([first.side.begin(laptop), second.side.begin(laptop)])
    t.not(one, other, 'each its own handover')
    await Promise.all([first.side.scan(one, 'TWIN001'), second.side.scan(other, 'TWIN001')])
    await Promise.all([first.side.scan(one, 'TWIN002'), second.side.scan(other, 'TWIN003')])
    await field.side.untilState(one, 'TWIN001 present', 'TWIN002 present', 'TWIN003 notYetScanned')
    await field.side.untilState(other, 'TWIN001 present', 'TWIN003 present', 'TWIN002 notYetScanned')
    await Promise.all([first.side.sign(one), second.side.sign(other)])
    for (const id of [one, other]) {
      await field.side.untilView(id, 'the driver signed', ({ revisions }) => revisions.length === 1)
      await field.side.sign(id)
    }
    for (const [id, { side }, own, others] of [
      [one, first, 'TWIN002', 'TWIN003'] as const,
      [other, second, 'TWIN003', 'TWIN002'] as const,
    ]) {
      await side.untilView(id, 'the assistant signed too', ({ revisions }) =>
        revisions.some(({ signatures }) => signatures.some(({ meaning }) => meaning === 'handedOver')),
      )
      const left = ['TWIN001 present', `${own} present`, 'TWIN004 notYetScanned']
      // The tube that went with the other driver is not expected here any more: it is signed again without it.
      await until('the lists are the same', async () => (await side.states(id)).join() === left.sort().join())
      if (!(await side.view(id)).isClosed) await side.sign(id)
      for (const both of [side, field.side]) {
        await both.untilView(id, 'both signed', ({ signed, isClosed }) => signed === 'both' && isClosed)
        t.same(await both.states(id), left, `${others} went with the other driver`)
      }
    }
    for (const { side } of [first, second])
      await until('what went is not expected again', async () => (await side.expected(laptop)) === 1)
    const { store, close } = await openLaptop(laptop.data)
    const all = (sql: string) => store.$client.prepare(sql).all()
    t.same(all('SELECT count(DISTINCT handover) n FROM desk_revisions'), [{ n: 2 }], 'both are kept')
    t.same(all("SELECT closed FROM open_lines WHERE pk = 'PK-TWIN001'"), [{ closed: 1 }])
    t.same(all("SELECT count(*) n FROM closed_lines WHERE pk = 'PK-TWIN001'"), [{ n: 2 }], 'and both say what went')
    close()
    for (const program of [field, first, second]) await program.close()
    await expectFlipsFound(t, laptop, openLaptop, async () => {
      const opened = await openLaptop(laptop.data)
      const payloads = new PayloadStore(join(laptop.data, 'payloads'))
      await verifyLaptop({ ...opened, data: laptop.data, payloads }, () => undefined).finally(() => opened.close())
    })
    await expectFlipsFound(t, thabo, openRelay, async () => {
      const opened = await openRelay(thabo.data)
      const payloads = new PayloadStore(join(thabo.data, 'payloads'))
      await verifyRelay({ ...opened, data: thabo.data, payloads }, () => undefined).finally(() => opened.close())
    })
  },
)
