import { Type } from '@sinclair/typebox'
import type { FastifyReply } from 'fastify'
import type { Page } from 'playwright-core'
import t from 'tap'
import { onlyRoles } from '../../shared/crypto/mutual-tls.ts'
import { paths } from '../../shared/protocol/paths.ts'
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
import { startDriver } from '../fixtures/programs.ts'
import { foundTestStudy } from '../fixtures/study.ts'
import { StubLaptop } from '../relay/stub-laptop.ts'
import { StubServer } from '../relay/stub-server.ts'

t.setTimeout(300_000)
const hostile = '<img src=x onerror=alert(1)>'

/** A field laptop tells the relay that it is there. */
async function knock({ device: { identity }, port }: StubLaptop, relayPort = 0): Promise<void> {
  const client = new PeerClient({ identity, host: '127.0.0.1', port: relayPort, admit: onlyRoles('relay') })
  await client.json('POST', paths.knock, { v: 1, port }, Type.Null(), 1024).catch(() => undefined)
  await client.close()
}

/** The card of one peer, when it says this. */
async function card(page: Page, name: string, state: string): Promise<string> {
  const found = page.locator('.peers > li', { hasText: name }).filter({ hasText: state })
  await found.waitFor({ timeout: 20_000 }).catch(async () => {
    throw new Error(`waited for "${state}" of ${name}, the page says:\n${await page.locator('body').innerText()}`)
  })
  return found.innerText()
}

t.test("the driver's page: coming aboard", { skip: noBrowser }, async (t) => {
  const browser = await openBrowser()
  const study = await foundTestStudy()
  const laptop = await StubLaptop.start(await study.enrol('field', 'lap-01'))
  const bad = await StubLaptop.start(await study.enrol('field', hostile))
  const driver = await study.enrol('relay', 'Thabo')
  const program = await startDriver(driver)
  const window = await openWindow(browser, await launchOf(driver.data, program.ports.pagePort))
  const { page } = window
  t.teardown(async () => {
    await browser.close()
    await Promise.all([laptop.close(), bad.close()])
    await program.close()
    study.dispose()
  })

  await t.test('empty: nobody is near, and what to look at', async (t) => {
    await headline(page, 'Nobody is near yet.')
    t.match(await page.innerText('.top'), 'Is the hotspot on, and are the laptops on it?')
    t.same(await brokenRules(page), [])
  })

  await t.test('pulling: where to stay, and how far it is', async (t) => {
    for (let count = 0; count < 40; count++) await laptop.seal(60_000)
    const held: FastifyReply[] = []
    let open = 30
    laptop.bend = (_batch, reply) => {
      open -= 1
      if (open !== -1) return undefined
      held.push(reply)
      return 'held'
    }
    await knock(laptop, program.ports.port)
    await headline(page, 'Changes are coming aboard from lap-01.')
    t.match(await card(page, 'lap-01', '1.5 MB'), /1\.5 MB of 2\.4 MB aboard/)
    t.match(await page.getByRole('progressbar').getAttribute('aria-label'), 'lap-01: 1.5 MB of 2.4 MB aboard')
    t.notMatch(await page.innerText('.top'), 'at the clinic')
    t.same(await brokenRules(page), [])
    laptop.bend = () => undefined
    for (const reply of held) reply.raw.destroy()
  })

  await t.test('aboard is not at the clinic (invariant 9)', async (t) => {
    await headline(page, 'You carry 400 changes that are not at the clinic yet.')
    await card(page, 'lap-01', 'Everything that it had for you is aboard.')
    t.match(await page.innerText('.figures'), /400\s+Changes aboard.*\s0\s+At the clinic/s)
    t.same(await brokenRules(page), [])
  })

  await t.test("failing: why and what to do; another's name is only ever text", async (t) => {
    await bad.seal(1000)
    bad.bend = (batch) => Buffer.alloc(batch.payload.length)
    await knock(bad, program.ports.port)
    const text = await card(page, hostile, 'This does not work yet.')
    t.match(text, /The bytes changed on the way or on disk\. They are set aside and fetched again\.\s+DIGEST_MISMATCH/)
    t.match(await page.innerText('.top'), `${hostile} has a problem: see below.`)
    t.equal(await page.locator('img').count(), 0, 'no element was made of a name')
    t.match(await page.innerText('h1'), 'You carry 400 changes', 'one bad laptop holds up no other (invariant 8)')
    t.same(await brokenRules(page), [])
  })

  await t.test('gone: since when, and what of it is not aboard', async (t) => {
    laptop.bend = () => 'held'
    await laptop.seal(1000)
    await knock(laptop, program.ports.port)
    await headline(page, 'Changes are coming aboard from lap-01.')
    await laptop.close()
    const text = await card(page, 'lap-01', 'Not near since')
    t.match(text, /Not near since \d\d:\d\d\.\s+Changes: 10 not aboard yet, 400 aboard\./)
    t.match(
      await page.innerText('.top'),
      /You carry 400 changes.*10 more are not aboard yet: their laptop still has them\./s,
    )
    for (const [name, size] of Object.entries(sizes)) {
      await page.setViewportSize(size)
      t.equal(await isTooWide(page), false, name)
    }
    t.same(await brokenRules(page), [])
  })

  await t.test('stale: told at once', async (t) => {
    await program.close()
    await page.getByRole('alert').waitFor({ timeout: 8_000 })
    t.match(await page.innerText('#stale'), /^This page is not up to date since \d\d:\d\d:\d\d\./)
    t.same(await brokenRules(page), [])
  })

  t.same(window.broke, [], 'nothing ran that should not')
})

t.test("the driver's page: at the clinic", { skip: noBrowser }, async (t) => {
  const browser = await openBrowser()
  const study = await foundTestStudy()
  const laptop = await StubLaptop.start(await study.enrol('field', 'lap-02'))
  const driver = await study.enrol('relay', 'Lerato')
  const server = await StubServer.start(study.server)
  const program = await startDriver(driver, { servers: [`127.0.0.1:${server.port}`] })
  const window = await openWindow(browser, await launchOf(driver.data, program.ports.pagePort))
  const { page } = window
  t.teardown(async () => {
    await browser.close()
    await program.close()
    await Promise.all([laptop.close(), server.close()])
    study.dispose()
  })
  for (let count = 0; count < 3; count++) await laptop.seal(1000)

  await t.test('given is not delivered (invariant 9)', async (t) => {
    await knock(laptop, program.ports.port)
    await headline(page, 'The clinic has 30 changes that it has not opened yet.')
    t.match(await page.innerText('.figures'), /0\s+At the clinic\s+No changes yet\.\s+30 more were given to the clinic/)
    t.same(await brokenRules(page), [])
  })

  await t.test('delivered: all, because the receipt covers all; and who waits for receipts', async (t) => {
    await laptop.close()
    await server.deliver(laptop.device.device, laptop.chain, 3)
    await headline(page, 'All 30 changes that you took are at the clinic.')
    t.match(await page.innerText('.top'), 'Receipts for one laptop are aboard: bring them back on your next visit.')
    t.match(await page.innerText('.figures'), /30\s+At the clinic.*1\s+Receipts to bring back/s)
    t.same(await brokenRules(page), [])
  })

  t.same(window.broke, [], 'nothing ran that should not')
})
