import t from 'tap'
import { onlyRoles } from '../../shared/crypto/mutual-tls.ts'
import { Meeting } from '../../shared/protocol/meeting.ts'
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
import { addressOf, record, startClinic, startDriver, startLaptop } from '../fixtures/programs.ts'
import { foundTestStudy, type TestDevice } from '../fixtures/study.ts'

t.setTimeout(300_000)
const ids = Array.from({ length: 1200 }, (_, index) => `change-${index}`)

t.test("the research assistant's page", { skip: noBrowser }, async (t) => {
  const browser = await openBrowser()
  const study = await foundTestStudy()
  const [laptop, driver] = [await study.enrol('field', 'lap-01'), await study.enrol('relay', 'Thabo')]
  const program = await startLaptop(laptop)
  const window = await openWindow(browser, await launchOf(laptop.data, program.ports.pagePort))
  const { page } = window
  const peers = [addressOf(program)]
  const closing: Array<() => Promise<void>> = []
  t.teardown(async () => {
    await browser.close()
    for (const close of closing.toReversed()) await close()
    await program.close()
    study.dispose()
  })

  await t.test('empty: says that nothing was recorded', async (t) => {
    await headline(page, 'No changes have been recorded on this laptop yet.')
    t.match(await page.innerText('#met ~ p'), 'No driver and no clinic has been met yet.')
    t.same(await brokenRules(page), [])
  })

  await t.test('safe here: a change shows without a reload', async (t) => {
    await record(laptop, program.ports.apiPort, ids)
    await headline(page, '1,200 changes are safe on this laptop. Nobody else has them yet.')
    t.equal(window.asked.filter((address) => new URL(address).pathname === '/').length, 1, 'the page was loaded once')
    t.same(await brokenRules(page), [])
  })

  await t.test("with driver: who, since when, and never 'at the clinic' (invariant 9)", async (t) => {
    const relay = await startDriver(driver, { peers })
    await headline(page, '1,200 changes are with a driver, not at the clinic yet.')
    const figures = await page.innerText('.figures')
    t.match(figures, /1,200\s+With driver\s+Thabo took 1,200 changes at \d\d:\d\d, by the driver’s clock\./)
    t.match(figures, /0\s+At the clinic/)
    t.match(await page.innerText('#met ~ p'), /Thabo \(driver\), just now \(\d\d:\d\d\)/)
    t.same(await brokenRules(page), [])
    await relay.close()
  })

  await t.test('at the clinic: all, because a delivery receipt covers all (invariant 9)', async (t) => {
    const server = await startClinic(study.server)
    closing.push(() => server.close())
    const relay = await startDriver(driver, { peers, servers: [addressOf(server)] })
    await headline(page, 'All 1,200 changes are at the clinic.')
    t.match(await page.innerText('.top'), 'Nothing waits on this laptop.')
    t.match(
      await page.innerText('.figures'),
      /0\s+With driver\s+None is on the way\.\s+1,200\s+At the clinic\s+No verified backup/,
    )
    t.same(await brokenRules(page), [])
    await relay.close()
  })

  await t.test('one more: no longer all (invariant 9)', async (t) => {
    await record(laptop, program.ports.apiPort, ['one more'])
    await headline(page, 'One change is safe on this laptop. Nobody else has it yet.')
    t.match(await page.innerText('.figures'), /1\s+Safe on this laptop.*1,200\s+At the clinic/s)
    t.notMatch(await page.innerText('.top'), /\ball\b/i)
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
    await program.close()
    await page.getByRole('alert').waitFor({ timeout: 8_000 })
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
    ...{ deliveries: ['e30.e30.AA'], gaps: [], custody: [], manifests: [], head: null, lines: null, incarnation: null },
  }
  await client.json('POST', paths.meeting, meeting, Meeting, 1_000_000)
  await client.close()
}
