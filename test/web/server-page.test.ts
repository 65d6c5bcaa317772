import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'
import t from 'tap'
import { witness } from '../../server/chain.ts'
import { writeFact, writeLastError } from '../../server/facts.ts'
import { lifeOf } from '../../server/feed-cursor.ts'
import { openStore } from '../../server/open-store.ts'
import { noteSink } from '../../server/sink-status.ts'
import { WaybillError } from '../../shared/service/errors.ts'
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
import { foundTestStudy } from '../fixtures/study.ts'
import { StubLaptop } from '../relay/stub-laptop.ts'

t.setTimeout(300_000)

/** What the page says of one laptop, cell by cell, once it says this. */
async function cells(page: Page, wanted: string): Promise<string[]> {
  const row = page.locator('#laptops ~ div tbody tr', { hasText: wanted })
  await row.waitFor({ timeout: 20_000 }).catch(async () => {
    throw new Error(`waited for "${wanted}", the page says:\n${await page.locator('body').innerText()}`)
  })
  return row.locator('th, td').allInnerTexts()
}

t.test("the server's page", { skip: noBrowser }, async (t) => {
  const browser = await openBrowser()
  const study = await foundTestStudy()
  const [first, second] = [await study.enrol('field', 'lap-01', 'gaborone'), await study.enrol('field', 'lap-02')]
  const [driver, third] = [await study.enrol('relay', 'Thabo'), await study.enrol('field', `lap-${'3'.repeat(100)}`)]
  const { data } = study.server
  const server = await startClinic(study.server)
  const store = openStore(data)
  const laptop = await startLaptop(first, [addressOf(server)])
  const stub = await StubLaptop.start(second)
  const window = await openWindow(browser, await launchOf(data, server.ports.pagePort))
  const { page } = window
  t.teardown(async () => {
    await browser.close()
    await Promise.all([laptop.close(), stub.close()])
    await server.close()
    store.$client.close()
    study.dispose()
  })

  await t.test('empty: nothing has arrived, and laptops keep all until there is a backup', async (t) => {
    await headline(page, 'Nothing has arrived yet.')
    t.match(await page.innerText('#backup ~ p'), 'No backup has been made yet.')
    t.match(await page.innerText('summary >> nth=0'), '5 devices have been added')
    t.match(
      await page.getByRole('row', { name: 'lap-01' }).innerText(),
      /lap-01\s+field laptop\s+gaborone\s+may take part/,
    )
    t.same(await brokenRules(page), [])
  })

  await t.test('opened: all that arrived, live, and what a backup holds', async (t) => {
    const ids = Array.from({ length: 1500 }, (_, index) => `change-${index}`)
    await record(first, laptop.ports.apiPort, ids)
    await headline(page, '1,500 changes are opened and wait.')
    t.match(await page.innerText('.figures'), /1,500\s+Held\s+The study configuration does not have their model/)
    await study.publish(() => ({ models: { 'clinic.visit': { naturalKey: ['subject'] } } }))
    await headline(page, 'All 1,500 changes that arrived are applied.')
    t.match(await page.innerText('.figures'), /1,500\s+Applied/)
    t.same((await cells(page, 'lap-01')).slice(1, 4), ['all known have arrived', 'up to 3 of 3', 'none'])
    await promisify(execFile)(join(import.meta.dirname, '../../bin/waybill'), [
      'backup',
      '--data',
      data,
      '--to',
      join(study.directory, 'backups'),
    ])
    await page.getByText('Made and verified just now').waitFor()
    t.equal((await cells(page, 'lap-01'))[3], 'up to 3')
    t.match(await page.innerText('#backup ~ p'), /^Made and verified just now \(\d\d:\d\d\)\.$/)
    t.same(await brokenRules(page), [])
  })

  await t.test('missing: numbers as ranges, nobody is blamed, and nothing is called all (invariant 9)', async (t) => {
    const { chain } = store.$client.prepare<[], { chain: string }>('SELECT chain FROM chains').get() ?? { chain: '' }
    witness(store, first.device, { chain, seq: 6, unsealed: 40 })
    await headline(page, 'Not everything has arrived yet from lap-01.')
    t.match(await page.innerText('.top'), 'What is missing may be with a driver, or still on the laptop.')
    t.match(await page.innerText('.top'), '40 more changes were on the laptops when they were last heard of.')
    t.same((await cells(page, 'lap-01')).slice(1), ['4 to 6', 'up to 3 of 6', 'up to 3', '40'])
    t.same(await brokenRules(page), [])
  })

  await t.test('what waits for a person, and why; it holds up nothing else (invariant 8)', async (t) => {
    for (let count = 0; count < 5; count++) await stub.seal()
    stub.batches.splice(2, 2)
    const twin = await stub.seal(1000, { seq: 2, previous: stub.batches[0]?.digest ?? null })
    twin.position = 99
    const relay = await startDriver(driver, { peers: [`127.0.0.1:${stub.port}`], servers: [addressOf(server)] })
    t.teardown(() => relay.close())
    await page.locator('.peers > li', { hasText: 'PAYLOAD_REFUSED' }).waitFor()
    await page.locator('.peers > li', { hasText: 'BATCH_CONFLICT' }).waitFor()
    await headline(page, /^\d matters wait for a person\.$/)
    t.match(
      await page.innerText('.peers'),
      /lap-02 · numbers? [\d, to]+\s+Kept, and cannot be opened\.\s+What came under this number cannot be opened\. .*\s+PAYLOAD_REFUSED: /,
    )
    t.match(
      await page.innerText('.peers'),
      /lap-02 · numbers? [\d, to]+\s+Kept, and not opened until someone decides\./,
    )
    t.match((await cells(page, 'lap-02'))[1], /3 to 4\s+From number 2 on there are two versions: a person decides\./)
    t.match(await page.innerText('.figures'), /1,500\s+Opened/)
    t.same(await brokenRules(page), [])
  })

  await t.test('the app’s database: nothing is said of what is there before it was asked (invariant 9)', async (t) => {
    const fact = { place: 'sqlite:///app', feed: 'states' as const, cursor: null, writtenAt: null }
    const problem = { code: 'APP_DATABASE_AWAY', message: 'gone', hint: '' }
    noteSink(store, { ...fact, awaySince: new Date().toISOString(), problem })
    await page.locator('#app').waitFor()
    t.match(
      await page.innerText('body'),
      /What is there is not known yet\.[\s\S]*APP_DATABASE_AWAY: gone\s+sqlite:\/\/\/app/,
    )
    const reached = (position: number) => ({ ...fact, cursor: `${lifeOf(store)}.${position}` })
    noteSink(store, { ...reached(0), awaySince: null, problem: null })
    await page.locator('#app ~ p', { hasText: '1,500' }).waitFor()
    noteSink(store, { ...reached(1500), awaySince: null, problem: null })
    await page.getByText('All that this server shows is there.').waitFor()
    t.same(await brokenRules(page), [])
    noteSink(store, null)
  })

  await t.test('alarms and problems are text, whatever is in them', async (t) => {
    writeFact(store, 'alarm:lines:x', '<script>alert(1)</script>')
    writeLastError(store, new WaybillError('SIGNATURE_INVALID', '<b>bold</b>'), third.device, new Date())
    await page.locator('section.box').waitFor()
    t.match(await page.innerText('.peers'), /Alarm: <script>alert\(1\)<\/script>\s+lines:x/)
    t.match(
      await page.innerText('section.box'),
      /The signature does not verify\. .*\s+SIGNATURE_INVALID: <b>bold<\/b>\s+About lap-3+, just now/,
    )
    for (const [name, size] of Object.entries(sizes)) {
      await page.setViewportSize(size)
      t.equal(await isTooWide(page), false, name)
    }
    t.same(await brokenRules(page), [])
  })

  await t.test('stale: told at once', async (t) => {
    await server.close()
    await page.getByRole('alert').waitFor({ timeout: 8_000 })
    t.match(await page.innerText('#stale'), /^This page is not up to date since \d\d:\d\d:\d\d\./)
    t.same(await brokenRules(page), [])
  })

  t.same(window.broke, [], 'nothing ran that should not')
})
