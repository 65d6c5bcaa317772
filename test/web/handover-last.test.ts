import { join } from 'node:path'
import Database from 'better-sqlite3'
import type { Page } from 'playwright-core'
import t from 'tap'
import { brokenRules, noBrowser, openBrowser } from '../fixtures/browser.ts'
import {
  answered,
  beginHandover,
  labelOf,
  type Side,
  scan,
  startHandoverDay,
  viewOf,
} from '../fixtures/handover-day.ts'
import { until } from '../fixtures/until.ts'

t.setTimeout(300_000)

/** The number on the driver's first page. */
function inHand(page: Page): Promise<string> {
  return page.locator('.figures li', { hasText: 'Tubes in hand' }).locator('b').innerText()
}

async function signAs({ page }: Side, name: RegExp): Promise<void> {
  await page.locator('details.shift summary').click()
  await page.getByRole('button', { name }).click()
  await page.getByText(/On shift here: /).waitFor()
  await scan(page, 'WAYBILL-SIGN')
  await answered(page, 'Sign now?')
  await scan(page, 'WAYBILL-SIGN')
}

t.test(
  'a handover that is closed: the tubes are told, it can be read, and confirmed',
  { skip: noBrowser },
  async (t) => {
    const browser = await openBrowser()
    t.teardown(() => browser.close())
    const day = await startHandoverDay(t, browser, 4)
    const { giver, taker } = day
    await taker.page.locator('.figures').waitFor()
    t.equal(await inHand(taker.page), '0')
    await beginHandover(day)
    for (const number of [0, 2]) {
      await scan(taker.page, labelOf(number))
      await answered(taker.page, 'Present')
      await taker.page.locator('#tubes-there ~ .tubes, #tubes-look ~ .tubes', { hasText: labelOf(number) }).waitFor()
    }
    await scan(taker.page, labelOf(2))
    await answered(taker.page, 'Already scanned')
    await scan(taker.page, 'WAYBILL-3')
    await answered(taker.page, 'Counted')
    await until('the list is here', async () => (await viewOf(giver.page)).tubes.some(({ counted }) => counted === 3))
    await signAs(taker, /Thabo/)
    await signAs(giver, /Lerato/)
    for (const { page } of [giver, taker]) await page.getByText('This handover is closed.').waitFor({ timeout: 20_000 })

    await t.test('on both first pages: how many tubes, and the way back to the list', async (t) => {
      for (const { page } of [giver, taker]) {
        await page.getByRole('link', { name: /Back to the first page/ }).click()
        await page.getByText(/Last handover, .*: 4 tubes in hand\. Signed by both\. Not every signature is/).waitFor()
      }
      await until('they are in hand still', async () => (await inHand(taker.page)) === '4')
      t.same(await brokenRules(taker.page), [])
    })

    await t.test('read only: nothing is asked, nothing is scanned', async (t) => {
      await taker.page.getByRole('link', { name: 'Look at it' }).click()
      await taker.page.locator('.top', { hasText: 'In hand: 2. Not yet scanned: 2.' }).waitFor()
      t.equal(await taker.page.locator('#scan, .tools, [data-do=why]').count(), 0)
      t.match(await taker.page.innerText('#tubes-there ~ .tubes'), /TUB1002\s+present · 3 of 3 labels in hand/)
      t.match(await taker.page.innerText('.revisions'), /Thabo received on Thabo, .* · unverified/)
    })

    await t.test('who signed unverified chooses a PIN, and confirms; the other laptop hears of it', async (t) => {
      const { page } = taker
      await page.getByText('This signature can be confirmed').waitFor()
      await page.locator('details.shift summary').click()
      await page.getByLabel('The new PIN').fill('2468')
      await page.getByRole('button', { name: 'Keep this PIN' }).click()
      await page.getByLabel('PIN of Thabo, to confirm this signature').fill('1111')
      await page.keyboard.press('Enter')
      await page.locator('.box.bad').waitFor()
      t.same(await brokenRules(page), [], 'a wrong PIN')
      await page.getByLabel('PIN of Thabo, to confirm this signature').fill('2468')
      await page.keyboard.press('Enter')
      await page.locator('.revisions', { hasText: /Thabo received on Thabo, .* · verified by PIN/ }).waitFor()
      t.notMatch(await page.innerText('.revisions'), /Thabo received on Thabo, .* · unverified/)
      t.equal(await page.getByText('This signature can be confirmed').count(), 0, 'only one’s own')
      await giver.page.getByRole('link', { name: 'Look at it' }).click()
      await giver.page
        .locator('.revisions', { hasText: /Thabo received on Thabo, .* · verified by PIN/ })
        .waitFor({ timeout: 20_000 })
    })

    await t.test('the clinic has it, and it was erased here: that is told, and no list of nothing', async (t) => {
      const database = new Database(join(taker.device.data, 'waybill.sqlite'), { timeout: 10_000 })
      for (const table of ['desk_acts', 'desk_revisions']) database.exec(`DELETE FROM ${table}`)
      database.exec('UPDATE desk_handovers SET wiped = 1')
      database.close()
      const { page } = taker
      await page.reload()
      await page.locator('.top', { hasText: 'here it was erased, and the signatures stay' }).waitFor()
      t.equal(await page.locator('#tubes-there').count(), 0)
      t.match(await page.innerText('main'), /Thabo received on Thabo, .* · verified by PIN/)
      t.same(await brokenRules(page), [])
      await page.getByRole('link', { name: /Back to the first page/ }).click()
      await page.getByText('the clinic has its list, and it was erased here.').waitFor()
      await until('nothing is in hand', async () => (await inHand(page)) === '0')
    })
    t.match(taker.window.broke, [/status of 403/], 'the wrong PIN was refused')
    t.same([taker.window.broke.length, giver.window.broke.length], [1, 0], 'and nothing else broke')
  },
)
