import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { brokenRules, isTooWide, noBrowser, openBrowser } from '../fixtures/browser.ts'
import { answered, beginHandover, labelOf, scan, startHandoverDay } from '../fixtures/handover-day.ts'

t.setTimeout(300_000)
const widths = [360, 1280]

/** Every rule in both schemes, and nothing to be pushed sideways, from a telephone to a laptop. */
async function looksRight(t: Test, page: Page, state: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const)
    for (const width of widths) {
      await page.emulateMedia({ colorScheme })
      await page.setViewportSize({ width, height: 780 })
      t.equal(await isTooWide(page), false, `${state}, ${colorScheme}, ${width}: as wide as the window`)
      t.same(await brokenRules(page), [], `${state}, ${colorScheme}, ${width}`)
    }
}

t.test(
  'every state of the handover: readable by all, light and dark, telephone and laptop',
  { skip: noBrowser },
  async (t) => {
    const browser = await openBrowser()
    t.teardown(() => browser.close())
    const day = await startHandoverDay(t, browser, 6)
    const { giver, taker } = day
    const { page } = taker

    await page.locator('.leave').waitFor()
    await looksRight(t, page, 'the driver’s first page')
    await giver.page.locator('#tubes-here').waitFor()
    await looksRight(t, giver.page, 'the assistant’s first page')
    await beginHandover(day)
    await looksRight(t, page, 'nothing scanned')
    await scan(page, labelOf(0))
    await answered(page, 'Present')
    await looksRight(t, page, 'present')
    await scan(page, labelOf(2))
    await scan(page, labelOf(2))
    await answered(page, 'Already scanned')
    await looksRight(t, page, 'how many?')
    await page.keyboard.press('2')
    await answered(page, 'Counted')
    await scan(page, 'XYZ9999')
    await answered(page, 'Unexpected')
    await looksRight(t, page, 'unexpected')
    await page.keyboard.press('F4')
    await answered(page, 'Why is it missing?')
    await looksRight(t, page, 'why?')
    await page.keyboard.press('3')
    await page.getByText('In your own words, then Enter').waitFor()
    await page.keyboard.type('fell', { delay: 120 })
    await page.keyboard.press('Enter')
    await answered(page, 'Missing: written down')
    await page.getByLabel('Temperature in the cool box').fill('9,5')
    await page.keyboard.press('Enter')
    await page.getByText('The cool box is at 9.5 °C, and 2 to 8 °C is right.').waitFor()
    await page.getByText('Nobody has said who is on shift here').click()
    await page.getByRole('button', { name: 'Thabo (driver)' }).click()
    await page.getByText('On shift here: Thabo').waitFor()
    await page.getByLabel('The new PIN').fill('2468')
    await page.keyboard.press('Enter')
    await page.getByText('This laptop knows a PIN of yours').waitFor()
    await looksRight(t, page, 'on shift')
    await page.keyboard.press('F8')
    await page.getByLabel('PIN (without it').fill('1111')
    await page.keyboard.press('Enter')
    await page.locator('.box.bad').waitFor()
    await looksRight(t, page, 'a wrong PIN')
    await page.getByLabel('PIN (without it').fill('2468')
    await page.keyboard.press('Enter')
    await page.getByText('Signed by one.').waitFor()
    t.match(await page.innerText('.revisions'), /Thabo received on Thabo, .* · verified by PIN/)
    await looksRight(t, page, 'signed by one')
    await scan(page, labelOf(4))
    await page.getByText('Changed since it was signed').waitFor()
    await looksRight(t, page, 'changed since')
    await page.evaluate("location.hash = '#requisitions'")
    await page.getByText('requisitions found.').waitFor()
    await looksRight(t, page, 'all requisitions')
    await page.getByLabel('Search everywhere').fill('tub-1004')
    await page.getByText('One requisition found.').waitFor()
    await page.goto(new URL('/card', page.url()).href)
    await page.getByRole('heading', { name: 'Command barcodes' }).waitFor()
    t.equal(
      await page
        .locator('img')
        .evaluateAll(
          (all) => all.filter((one) => (one as unknown as { naturalWidth: number }).naturalWidth > 0).length,
        ),
      13,
    )
    await looksRight(t, page, 'the card')
    t.match(taker.window.broke, [/status of 403/], 'the wrong PIN was refused')
    t.same([taker.window.broke.length, giver.window.broke.length], [1, 0], 'and nothing else broke')
  },
)
