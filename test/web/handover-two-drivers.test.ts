import t from 'tap'
import { brokenRules, noBrowser, openBrowser } from '../fixtures/browser.ts'
import { answered, beginHandover, labelOf, scan, signBoth, startHandoverDay, viewOf } from '../fixtures/handover-day.ts'
import { until } from '../fixtures/until.ts'

t.setTimeout(300_000)

t.test(
  'two drivers at once scan one tube: the assistant’s page asks in whose hand it is',
  { skip: noBrowser },
  async (t) => {
    const browser = await openBrowser()
    t.teardown(() => browser.close())
    const day = await startHandoverDay(t, browser, 4)
    const { giver, taker } = day
    await beginHandover(day)
    const first = new URL(giver.page.url()).hash
    const second = await day.secondDriver()
    await second.page.getByRole('button', { name: 'Begin the handover' }).click({ timeout: 30_000 })
    await second.page.locator('#scan').waitFor()
    await scan(taker.page, labelOf(0))
    await answered(taker.page, 'Present')
    await scan(second.page, labelOf(3))
    await answered(second.page, 'Present')
    await scan(second.page, labelOf(0))
    await answered(second.page, 'Present')
    const twice = giver.page.locator('#tubes-look ~ .tubes > li', { hasText: labelOf(0) })
    await twice.filter({ hasText: 'Naledi has scanned it too: in whose hand is it?' }).waitFor({ timeout: 20_000 })
    t.same(await brokenRules(giver.page), [])
    t.notMatch(await giver.page.innerText('main'), `Naledi has scanned it too: in whose hand is it?\n${labelOf(3)}`)
    t.equal((await viewOf(giver.page)).counts.present, 1, 'it is one tube, in one state')
    await giver.page.evaluate("location.hash = '#'")
    const other = giver.page
      .locator('.peers li', { hasText: 'Naledi' })
      .getByRole('link', { name: 'Go on with the handover' })
    await other.click({ timeout: 20_000 })
    await giver.page.getByText('Thabo has scanned it too: in whose hand is it?').waitFor({ timeout: 20_000 })
    await scan(second.page, 'WAYBILL-UNDO')
    await answered(second.page, 'Undone')
    await until('it is in one hand', async () =>
      (await viewOf(giver.page)).tubes.every(({ alsoWith }) => alsoWith === null),
    )
    await giver.page.evaluate(`location.hash = '${first}'`)
    await giver.page.locator('#tubes-there ~ .tubes', { hasText: labelOf(0) }).waitFor({ timeout: 20_000 })
    await signBoth(day)
  },
)
