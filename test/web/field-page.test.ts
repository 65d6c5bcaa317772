import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import t from 'tap'
import { DaemonConfig } from '../../daemon/config.ts'
import { startDaemon } from '../../daemon/main.ts'
import { RelayConfig } from '../../relay/config.ts'
import { startRelay } from '../../relay/main.ts'
import { ServerConfig } from '../../server/config.ts'
import { startServer } from '../../server/main.ts'
import { onlyRoles } from '../../shared/crypto/mutual-tls.ts'
import { Meeting } from '../../shared/protocol/meeting.ts'
import { paths } from '../../shared/protocol/paths.ts'
import { systemClock } from '../../shared/service/clock.ts'
import { readConfig } from '../../shared/service/config.ts'
import { createLogger } from '../../shared/service/logger.ts'
import { PeerClient } from '../../shared/transfer/peer-client.ts'
import {
  brokenRules,
  headline,
  isTooWide,
  launchOf,
  noBrowser,
  openBrowser,
  openWindow,
  sizes,
} from '../fixtures/browser.ts'
import { foundTestStudy, type TestDevice } from '../fixtures/study.ts'

const tools = { clock: systemClock, logger: createLogger('test', 'silent') }
const own = { port: 0, pagePort: 0, logLevel: 'silent' }

function configOf<T extends Parameters<typeof readConfig>[0]>(schema: T, flags: Record<string, unknown>) {
  return readConfig(schema, { environment: {}, flags, file: undefined })
}

const startLaptop = ({ data }: TestDevice) =>
  startDaemon(configOf(DaemonConfig, { data, ...own, push: false, announceOn: ['127.0.0.1'] }), tools)

async function record(data: string, apiPort: number | undefined, count: number): Promise<void> {
  const lines = Array.from({ length: count }, (_, index) =>
    JSON.stringify({
      ...{ id: `change-${index}`, model: 'bhp.visit', action: 'insert', pk: `p-${index}`, naturalKey: ['x', index] },
      ...{ fields: { weight: index }, base: [], user: 'ra', recordedAt: '2026-11-01T10:00:00.000Z' },
    }),
  )
  const answer = await fetch(`http://127.0.0.1:${apiPort}/v1/changes`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-ndjson',
      authorization: `Bearer ${readFileSync(join(data, 'api-token'), 'utf8')}`,
    },
    body: lines.join('\n'),
  })
  if (!answer.ok) throw new Error(await answer.text())
}

t.test("the research assistant's page", { skip: noBrowser }, async (t) => {
  const browser: Browser = await openBrowser()
  const study = await foundTestStudy()
  const [laptop, driver] = [await study.enrol('field', 'lap-01'), await study.enrol('relay', 'Thabo')]
  const program = await startLaptop(laptop)
  const window = await openWindow(browser, await launchOf(laptop.data, program.ports.pagePort))
  const { page } = window
  const peers = [`127.0.0.1:${program.ports.port}`]
  const relayConfig = { data: driver.data, ...own, browseOn: ['127.0.0.1'], peers }
  const closing: Array<() => Promise<void>> = []
  let running = true
  const stop = async () => {
    if (running) await program.close()
    running = false
  }
  t.teardown(async () => {
    await browser.close()
    for (const close of closing.toReversed()) await close()
    await stop()
    study.dispose()
  })

  await t.test('empty: says that nothing was recorded', async (t) => {
    await headline(page, 'No changes have been recorded on this laptop yet.')
    t.match(await page.innerText('#met ~ p'), 'No driver and no clinic has been met yet.')
    t.same(await brokenRules(page), [])
  })

  await t.test('safe here: a change shows without a reload', async (t) => {
    await record(laptop.data, program.ports.apiPort, 1200)
    await headline(page, '1,200 changes are safe on this laptop. Nobody else has them yet.')
    t.equal(window.asked.filter((address) => new URL(address).pathname === '/').length, 1, 'the page was loaded once')
    t.same(await brokenRules(page), [])
  })

  await t.test("with driver: who, since when, and never 'at the clinic' (invariant 9)", async (t) => {
    const relay = await startRelay(configOf(RelayConfig, relayConfig), tools)
    await headline(page, '1,200 changes are with a driver, not at the clinic yet.')
    const figures = await page.innerText('.figures')
    t.match(figures, /1,200\s+With driver\s+Thabo took 1,200 changes at \d\d:\d\d, by the driver’s clock\./)
    t.match(figures, /0\s+At the clinic/)
    t.match(await page.innerText('#met ~ p'), /Thabo \(driver\), just now \(\d\d:\d\d\)/)
    t.same(await brokenRules(page), [])
    await relay.close()
  })

  await t.test('at the clinic: all, because a delivery receipt covers all (invariant 9)', async (t) => {
    const server = await startServer(
      configOf(ServerConfig, { data: study.server.data, ...own, announceOn: ['127.0.0.1'] }),
      tools,
    )
    closing.push(() => server.close())
    const servers = [`127.0.0.1:${server.ports.port}`]
    const relay = await startRelay(configOf(RelayConfig, { ...relayConfig, servers }), tools)
    closing.push(() => relay.close())
    await headline(page, 'All 1,200 changes are at the clinic.')
    t.match(await page.innerText('.top'), 'No verified backup has them yet, so this laptop keeps its copy.')
    t.match(await page.innerText('.figures'), /0\s+With driver\s+None is on the way\.\s+1,200\s+At the clinic/)
    t.same(await brokenRules(page), [])
  })

  await t.test('failing: a problem comes with what to do, and who helps can be told', async (t) => {
    await meetWithForgery(driver, program.ports.port)
    await page.locator('section.box').waitFor()
    t.match(
      await page.innerText('section.box'),
      /A problem\s+The other side sent something that is not a Waybill document.*BAD_DOCUMENT: .*About Thabo, just now/s,
    )
    t.same(await brokenRules(page), [])
  })

  await t.test('every size: nothing has to be pushed sideways', async (t) => {
    for (const [name, size] of Object.entries(sizes)) {
      await page.setViewportSize(size)
      t.equal(await isTooWide(page), false, name)
    }
    t.same(await brokenRules(page), [])
  })

  await t.test('stale: a program that has stopped is told at once, and everything below as old', async (t) => {
    await stop()
    await page.getByRole('alert').waitFor()
    t.match(await page.innerText('#stale'), /^This page is not up to date since \d\d:\d\d:\d\d\./)
    t.same(await brokenRules(page), [])
  })

  t.same(window.broke, [], 'nothing ran that should not')
})

/** A courier that shows what is no receipt. */
async function meetWithForgery({ identity }: TestDevice, port = 0): Promise<void> {
  const client = new PeerClient({ identity, host: '127.0.0.1', port, admit: onlyRoles('field') })
  const meeting: Meeting = {
    ...{
      v: 1,
      at: '2019-01-01T00:00:00.000Z',
      studyVersion: 0,
      studyDocument: null,
      credentials: [identity.credential],
    },
    ...{ deliveries: ['e30.e30.AA'], gaps: [], custody: [], manifests: [], head: null, incarnation: null },
  }
  await client.json('POST', paths.meeting, meeting, Meeting, 1_000_000)
  await client.close()
}
