import t from 'tap'
import { PageSession } from '../fixtures/page-session.ts'
import { startDriver, startLaptop } from '../fixtures/programs.ts'
import { foundTestStudy } from '../fixtures/study.ts'

const unknown = 'f'.repeat(32)
const undo = { kind: 'undo' }

t.test('what a handover page may ask, and what it may not', async (t) => {
  const study = await foundTestStudy()
  const [laptop, driver] = [await study.enrol('field', 'lap-01'), await study.enrol('relay', 'Thabo')]
  const [field, relay] = [await startLaptop(laptop), await startDriver(driver)]
  t.teardown(async () => {
    await relay.close()
    await field.close()
    study.dispose()
  })
  const origin = `http://127.0.0.1:${relay.ports.pagePort}`
  const status = async (path: string, body?: object | string) => {
    const headers = { origin, 'content-type': 'application/json' }
    const text = typeof body === 'object' ? JSON.stringify(body) : body
    return (await fetch(`${origin}${path}`, text === undefined ? { headers } : { method: 'POST', headers, body: text }))
      .status
  }

  await t.test('nothing without the bearer of the page', async (t) => {
    for (const path of ['/v1/handovers', `/v1/handovers/${unknown}`, '/v1/people?name=', '/v1/lines?page=1'])
      t.equal(await status(path), 401, path)
    for (const path of ['/v1/handovers', `/v1/handovers/${unknown}/acts`, '/v1/shift', '/v1/pin'])
      t.equal(await status(path, {}), 401, path)
    t.equal(await status('/card'), 200, 'the card is no secret')
  })

  await t.test('exactly the form that is written down; nothing is guessed, filled in or left out', async (t) => {
    const session = await PageSession.open(driver.data, relay.ports.pagePort)
    const refused = (path: string, body: object, code: string) =>
      t.rejects(session.post(path, body), { code }, `${path} ${JSON.stringify(body).slice(0, 60)}`)
    const acts = `/v1/handovers/${unknown}/acts`
    await refused(acts, undo, 'NOT_FOUND')
    await refused('/v1/handovers/none/acts', undo, 'BAD_REQUEST')
    await refused(acts, { ...undo, more: 1 }, 'BAD_REQUEST')
    await refused(acts, { kind: 'scan', read: '', typed: false }, 'BAD_REQUEST')
    await refused(acts, { kind: 'scan', read: 'A', typed: 'no' }, 'BAD_REQUEST')
    await refused(acts, { kind: 'count', line: { model: 'm', pk: 'p' }, tubes: 1.5 }, 'BAD_REQUEST')
    await refused(acts, { kind: 'scan', read: 'A'.repeat(5000), typed: false }, 'TOO_LARGE')
    await refused('/v1/shift', { person: { id: 'nobody-of-the-study', name: 'X' } }, 'BAD_REQUEST')
    await refused('/v1/handovers', { device: unknown }, 'NOT_FOUND')
    await t.rejects(session.get('/v1/lines?page=0'), { code: 'BAD_REQUEST' })
  })

  await t.test('the assistant cannot begin a handover', async (t) => {
    const session = await PageSession.open(laptop.data, field.ports.pagePort)
    await t.rejects(session.post('/v1/handovers', { device: driver.device }), { code: 'ROLE_REFUSED' })
  })
})
