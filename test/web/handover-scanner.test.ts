import t from 'tap'
import { noBrowser, openBrowser } from '../fixtures/browser.ts'
import { answered, beginHandover, labelOf, scan, startHandoverDay, viewOf } from '../fixtures/handover-day.ts'
import { until } from '../fixtures/until.ts'

t.setTimeout(300_000)

t.test('a whole handover by scanner keystrokes alone', { skip: noBrowser }, async (t) => {
  const browser = await openBrowser()
  t.teardown(() => browser.close())
  const day = await startHandoverDay(t, browser, 5)
  await beginHandover(day)
  const { page } = day.taker

  await t.test('prefix, hyphen and letter case do not matter; nothing is clicked', async (t) => {
    await scan(page, labelOf(0))
    await answered(page, 'Present')
    await scan(page, `]C1${labelOf(3).toLowerCase()}`)
    await until('the second is present', async () => (await viewOf(page)).counts.present === 2)
    t.match(await page.innerText('.answer'), /Present\s+TUB1003/)
  })

  await t.test('three labels: the second scan asks, a command barcode answers', async (t) => {
    await scan(page, labelOf(2))
    await until('the third is present', async () => (await viewOf(page)).counts.present === 3)
    await scan(page, labelOf(2))
    await answered(page, 'Already scanned')
    t.match(await page.innerText('.question'), '3 labels: how many are in your hand?')
    t.equal((await viewOf(page)).tubes.find(({ label }) => label === labelOf(2))?.counted, 1, 'not raised by itself')
    await scan(page, 'WAYBILL-3')
    await answered(page, 'Counted')
    t.equal((await viewOf(page)).tubes.find(({ label }) => label === labelOf(2))?.counted, 3)
  })

  await t.test('a label that is in no list is told as that, and is no tube of the list', async (t) => {
    await scan(page, 'XYZ9999')
    await answered(page, 'Unexpected')
    t.equal((await viewOf(page)).counts.unexpected, 1)
    await scan(page, 'WAYBILL-UNDO')
    await answered(page, 'Undone')
    t.equal((await viewOf(page)).counts.unexpected, 0)
  })

  await t.test('missing: only now, and with a reason', async (t) => {
    t.notMatch(await page.innerText('.tubes'), /\bmissing\b(?! …|…)/i)
    await scan(page, 'WAYBILL-MISSING')
    await answered(page, 'Why is it missing?')
    await scan(page, 'WAYBILL-1')
    await answered(page, 'Missing: written down')
    const [missing] = (await viewOf(page)).tubes.filter(({ state }) => state === 'missing')
    t.match(missing, { label: labelOf(1), reason: 'leftBehind' })
    t.match(await page.innerText('#tubes-look ~ .tubes'), /TUB1001\s+missing · left behind/)
  })

  await t.test('both sign by barcode alone, unverified, and the handover says so', async (t) => {
    await scan(page, labelOf(4))
    await until('all are accounted for', async () => (await viewOf(page)).counts.notYetScanned === 0)
    for (const side of [day.taker, day.giver]) {
      await until('the list is here', async () => (await viewOf(side.page)).counts.present === 4)
      await scan(side.page, 'WAYBILL-SIGN')
      await answered(side.page, 'Sign now?')
      await scan(side.page, 'WAYBILL-SIGN')
      await side.page.locator('.revisions .sign').first().waitFor()
    }
    await page.getByText('Signed by both.').waitFor({ timeout: 20_000 })
    await day.giver.page.getByText('Signed by both.').waitFor({ timeout: 20_000 })
    t.match(await page.innerText('.revisions'), /Someone who was not named received on Thabo, .* · unverified/)
    t.match(await page.innerText('.revisions'), /Someone who was not named handed over on lap-01, .* · unverified/)
  })

  t.same([...day.taker.window.broke, ...day.giver.window.broke], [], 'nothing ran that should not')
})
