import { execFileSync } from 'node:child_process'
import t, { type Test } from 'tap'
import { openRelay } from '../../commands/open-relay.ts'
import { openServer } from '../../commands/open-server.ts'
import { systemClock } from '../../shared/service/clock.ts'
import { draw, handoverSettings, recordAll, Side } from '../fixtures/handover-side.ts'
import { fastClock, startInProcess } from '../fixtures/in-process.ts'
import { foundTestStudy } from '../fixtures/study.ts'
import { until } from '../fixtures/until.ts'

async function begin(t: Test) {
  const study = await foundTestStudy()
  t.teardown(() => study.dispose())
  await study.publish(() => handoverSettings)
  const [laptop, thabo] = [await study.enrol('field', 'lap-01'), await study.enrol('relay', 'thabo')]
  return { study, laptop, thabo }
}

/** What a laptop's program and its page are started as. */
async function start(t: Test, device: Awaited<ReturnType<typeof begin>>['laptop'], clock = systemClock) {
  const program = await startInProcess(t, device, clock)
  return { ...program, side: await Side.open(device, program, clock.now()) }
}

t.test(
  'a whole handover, from the hotspot to the clinic: both sign, both ways arrive, the driver forgets',
  async (t) => {
    const { study, laptop, thabo } = await begin(t)
    const labels = ['AAA-0001', 'AAA-0002', 'AAA-0003']
    await draw(laptop, labels)
    const [field, relay] = [await start(t, laptop), await start(t, thabo)]
    await until('the list is here', async () => (await relay.side.expected(laptop)) === 3)
    const id = await relay.side.begin(laptop)
    t.equal(await relay.side.begin(laptop), id, 'beginning twice is beginning once')
    await field.side.untilState(id, 'AAA-0001 notYetScanned')
    t.equal(await relay.side.scan(id, ']C1aaa0001\r'), 'present')
    await field.side.untilState(id, 'AAA-0001 present')
    t.equal(await field.side.scan(id, 'AAA0002'), 'present')
    await relay.side.untilState(id, 'AAA-0002 present')
    t.equal(await relay.side.scan(id, 'ZZZ9999'), 'unexpected')
    await relay.side.scan(id, 'WAYBILL-UNDO')
    const { tubes } = await relay.side.view(id)
    const third = tubes.find(({ label }) => label === 'AAA-0003')?.line
    await relay.side.act(id, { kind: 'missing', line: third, reason: 'leftBehind', text: null })
    await field.side.untilState(id, 'AAA-0003 missing')
    await field.side.sign(id)
    await relay.side.untilView(id, 'one signed', ({ signed }) => signed === 'one')
    await relay.side.sign(id)
    for (const { side } of [field, relay]) {
      await side.untilView(id, 'both signed', ({ signed, isClosed }) => signed === 'both' && isClosed)
      t.same(await side.states(id), ['AAA-0001 present', 'AAA-0002 present', 'AAA-0003 missing'])
    }
    await until('what went is not expected again', async () => (await relay.side.expected(laptop)) === 1)
    const clinic = await startInProcess(t, study.server, systemClock)
    const server = await openServer(study.server.data)
    t.teardown(() => server.close())
    const count = (sql: string) => server.store.$client.prepare<[], { n: number }>(sql).get()?.n
    const arrived = () =>
      count('SELECT count(*) n FROM handover_signatures') === 2 && count('SELECT count(*) n FROM changes') === 3
    await until('handovers and changes are at the clinic', arrived)
    const { store, close } = await openRelay(thabo.data)
    t.teardown(() => close())
    const left = (table: string) => store.$client.prepare<[], { n: number }>(`SELECT count(*) n FROM ${table}`).get()?.n
    await until('the driver has forgotten', () => left('desk_acts') === 0 && left('desk_revisions') === 0)
    await until(
      'the batch with the handover is opened',
      () => (count('SELECT count(*) n FROM batches') ?? 0) >= 1 && !sealedLeft(),
    )
    t.equal(count('SELECT count(*) n FROM handover_signatures'), 2, 'both ways end with one copy')
    t.ok((count('SELECT count(*) n FROM handovers') ?? 0) >= 1)
    await Promise.all([field.close(), relay.close(), clinic.close()])
    for (const secret of ['SECRETINITIALS', 'SECRETNOTE', '61.51234'])
      t.equal(grep(secret, thabo.data), '', `invariant 6: ${secret} is not on the driver's laptop`)
    function sealedLeft(): boolean {
      const sealed = server.store.$client.prepare<[], { manifest: string }>('SELECT manifest FROM batches').all()
      return !sealed.some(({ manifest }) => /"handovers":\["/.test(payloadOf(manifest)))
    }
  },
)

t.test('nothing that a handover said is left on the disk of a driver who has delivered it', async (t) => {
  const { study, laptop, thabo } = await begin(t)
  await draw(laptop, ['WIPE001', 'WIPE002'])
  const [field, relay] = [await start(t, laptop), await start(t, thabo)]
  await until('the list is here', async () => (await relay.side.expected(laptop)) === 2)
  const id = await relay.side.begin(laptop)
  await relay.side.scan(id, 'WIPE001')
  await relay.side.scan(id, 'WIPE002')
  await relay.side.scan(id, 'WIPE777')
  t.not(grep('WIPE', thabo.data), '', 'while it is open, it is there')
  await field.side.untilState(id, 'WIPE777 unexpected')
  await field.side.sign(id)
  await relay.side.untilView(id, 'one signed', ({ signed }) => signed === 'one')
  await relay.side.sign(id)
  await field.side.untilView(id, 'closed', ({ isClosed }) => isClosed)
  await until('the batches are aboard', () => aboard(thabo.data))
  await until('the driver knows that the laptop has all of it', () => isTold(thabo.data))
  // The car leaves: the laptop is out of reach.
  await field.close()
  const clinic = await startInProcess(t, study.server, systemClock)
  await until('nothing is left', () => grep('WIPE', thabo.data) === '' && grep('SUBJ-', thabo.data) === '')
  t.equal(inBase64('WIPE00', thabo.data), false, 'nor inside a signed document')
  await relay.close()
  t.equal(grep('WIPE', thabo.data), '')
  await clinic.close()
})

t.test('500 changes wait: tubes can be scanned within seconds, before any payload is asked for', async (t) => {
  const { laptop, thabo } = await begin(t)
  const note = 'n'.repeat(2000)
  const visits = Array.from({ length: 500 }, (_, index) => ({
    ...{ id: `visit-${index}`, model: 'clinic.visit', action: 'insert', pk: `v-${index}`, fields: { note } },
  }))
  await recordAll(laptop, visits)
  await draw(laptop, ['SOON001'])
  await start(t, laptop)
  const begun = performance.now()
  const relay = await start(t, thabo)
  await until('the list is here', async () => (await relay.side.expected(laptop)) === 1)
  t.ok(performance.now() - begun < 5_000, `${Math.round(performance.now() - begun)} ms`)
  t.equal(await relay.side.scan(await relay.side.begin(laptop), 'SOON001'), 'present')
})

t.test('driver B finds the tubes whose data driver A took, and only those that nobody took', async (t) => {
  const { study, laptop, thabo } = await begin(t)
  const naledi = await study.enrol('relay', 'naledi')
  await draw(laptop, ['BOTH001', 'BOTH002', 'BOTH003'])
  const field = await start(t, laptop)
  const first = await start(t, thabo)
  await until('the list is here', async () => (await first.side.expected(laptop)) === 3)
  await until('driver A has the data', () => aboard(thabo.data))
  const id = await first.side.begin(laptop)
  await first.side.scan(id, 'BOTH001')
  await field.side.untilState(id, 'BOTH001 present')
  await field.side.sign(id)
  await first.side.untilView(id, 'one signed', ({ signed }) => signed === 'one')
  await first.side.sign(id)
  await field.side.untilView(id, 'closed', ({ isClosed }) => isClosed)
  await first.close()
  const second = await start(t, naledi)
  await until('the rest is expected of driver B', async () => (await second.side.expected(laptop)) === 2)
  const next = await second.side.begin(laptop)
  t.same(await second.side.states(next), ['BOTH002 notYetScanned', 'BOTH003 notYetScanned'])
  t.equal(await second.side.scan(next, 'BOTH002'), 'present')
  await draw(laptop, ['BOTH001'], { panel: 'CD4' }, 'update')
  await until('the changed record', async () => (await second.side.scan(next, 'BOTH001')) !== 'unexpected')
  await second.side.untilState(next, 'BOTH001 changed')
})

t.test('the laptop dies: the driver signs alone and leaves, and the laptop learns of it when it is back', async (t) => {
  const { laptop, thabo } = await begin(t)
  await draw(laptop, ['SOLO001', 'SOLO002'])
  let field = await start(t, laptop)
  const relay = await start(t, thabo)
  await until('the list is here', async () => (await relay.side.expected(laptop)) === 2)
  const id = await relay.side.begin(laptop)
  await field.side.untilState(id, 'SOLO001 notYetScanned')
  await field.close()
  t.equal(await relay.side.scan(id, 'SOLO001'), 'present')
  t.match(await relay.side.sign(id), { signed: 'one', isClosed: false })
  t.match(await relay.side.end(id), { signed: 'one', isClosed: true })
  field = await start(t, laptop)
  await field.side.untilView(id, 'it knows', ({ signed, isClosed }) => signed === 'one' && isClosed)
  await until('the tube that went is not expected again', async () => (await relay.side.expected(laptop)) === 1)
})

t.test(
  'the driver who signed alone gives it all away at the clinic, and still has what the laptop must learn',
  async (t) => {
    const { study, laptop, thabo } = await begin(t)
    await draw(laptop, ['DEAD001', 'DEAD002'])
    let field = await start(t, laptop)
    const relay = await start(t, thabo)
    await until('the list is here', async () => (await relay.side.expected(laptop)) === 2)
    await until('the data is aboard', () => aboard(thabo.data))
    const id = await relay.side.begin(laptop)
    await field.close()
    await relay.side.scan(id, 'DEAD001')
    await relay.side.sign(id)
    await relay.side.end(id)
    const clinic = await startInProcess(t, study.server, systemClock)
    await until('subjects are forgotten', () => grep('SUBJ-', thabo.data) === '')
    await clinic.close()
    field = await start(t, laptop)
    await field.side.untilView(id, 'it knows', ({ signed, isClosed }) => signed === 'one' && isClosed)
    await until('what went is not expected again', async () => (await relay.side.expected(laptop)) === 1)
    const { store, close } = await openRelay(thabo.data)
    t.teardown(() => close())
    const left = store.$client.prepare<[], { n: number }>('SELECT count(*) n FROM desk_revisions')
    await until('then the driver forgets the rest', () => left.get()?.n === 0)
  },
)

t.test(
  'three days without a driver: all that was drawn is expected, none of what was handed over before',
  async (t) => {
    const { laptop, thabo } = await begin(t)
    const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000 - 600_000).toISOString()
    for (const day of [1, 2, 3]) await draw(laptop, [`DAY${day}001`, `DAY${day}002`], { drawn_at: daysAgo(3 - day) })
    await draw(laptop, ['DAY3003'], { drawn: 'No' })
    await draw(laptop, ['DAY1002'], {}, 'delete')
    await start(t, laptop)
    const relay = await start(t, thabo)
    await until('the list is here', async () => (await relay.side.expected(laptop)) === 5)
    const id = await relay.side.begin(laptop)
    t.equal(await relay.side.scan(id, 'DAY3003'), 'notDrawn')
    t.equal(await relay.side.scan(id, 'DAY1001'), 'present')
    const { tubes } = await relay.side.view(id)
    const left = ['DAY1001', 'DAY2001', 'DAY3001'].map(
      (label) => tubes.find((tube) => tube.label === label)?.minutesLeft,
    )
    t.same(
      left.map((minutes) => Math.round((minutes ?? 0) / 60)),
      [4 - 48, 4 - 24, 4],
      'how old each is, in hours left',
    )
  },
)

t.test("a laptop's clock is years off: minutes left are right, and nothing is doubtful", async (t) => {
  const { laptop, thabo } = await begin(t)
  const years = fastClock(1, -6)
  const drawnAt = new Date(years.now().getTime() - 60 * 60_000).toISOString()
  await draw(laptop, ['OLD0001'], { drawn_at: drawnAt })
  await draw(laptop, ['OLD0002'], { drawn_at: new Date().toISOString() })
  const field = await start(t, laptop, years)
  const relay = await start(t, thabo)
  await until('the list is here', async () => (await relay.side.expected(laptop)) === 2)
  const id = await relay.side.begin(laptop)
  await field.side.untilState(id, 'OLD0001 notYetScanned')
  await relay.side.untilView(id, 'heard', ({ heardAt }) => heardAt !== null)
  for (const { side } of [field, relay]) {
    const { tubes } = await side.view(id)
    const [hourOld, future] = ['OLD0001', 'OLD0002'].map((label) => tubes.find((tube) => tube.label === label))
    t.ok(Math.abs((hourOld?.minutesLeft ?? 0) - 180) <= 1, `${hourOld?.minutesLeft} minutes`)
    t.match([hourOld?.doubtful, future?.doubtful], [false, true], 'what its own clock calls the future is doubtful')
  }
})

t.test('a list that comes later knows the label', async (t) => {
  const { laptop, thabo } = await begin(t)
  await draw(laptop, ['LATE001'])
  const field = await start(t, laptop)
  const relay = await start(t, thabo)
  await until('the list is here', async () => (await relay.side.expected(laptop)) === 1)
  const id = await relay.side.begin(laptop)
  t.equal(await relay.side.scan(id, 'LATE002'), 'unexpected')
  await field.side.untilState(id, 'LATE002 unexpected')
  await draw(laptop, ['LATE002'])
  for (const { side } of [field, relay]) await side.untilState(id, 'LATE002 present', 'LATE001 notYetScanned')
})

/** Whether all that the relay knows of has been signed for by it. */
async function aboard(data: string): Promise<boolean> {
  const { store, close } = await openRelay(data)
  try {
    const rows = store.$client
      .prepare<[], { state: string; n: number }>('SELECT state, count(*) n FROM manifests GROUP BY state')
      .all()
    const unsealed = store.$client
      .prepare<[], { n: number | null }>("SELECT max(unsealed) n FROM peers WHERE role = 'field'")
      .get()
    return rows.length > 0 && rows.every(({ state }) => state !== 'pulling') && unsealed?.n === 0
  } finally {
    close()
  }
}

/** The files under a directory that hold the text. */
async function isTold(data: string): Promise<boolean> {
  const { store, close } = await openRelay(data)
  try {
    return store.$client.prepare('SELECT 1 FROM desk_handovers WHERE told = 0').get() === undefined
  } finally {
    close()
  }
}

function grep(text: string, directory: string): string {
  try {
    return execFileSync('grep', ['-arlF', '-e', text, directory], { encoding: 'utf8' })
  } catch {
    return ''
  }
}

/** Whether it is there in base64, at whatever place of three bytes. */
function inBase64(text: string, directory: string): boolean {
  const forms = ['', 'x', 'xx'].map((before) => {
    const encoded = Buffer.from(`${before}${text}`).toString('base64url')
    return encoded.slice(before.length === 0 ? 0 : before.length + 1, -2)
  })
  return forms.some((form) => grep(form, directory) !== '')
}

function payloadOf(jws: string): string {
  return Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString()
}
