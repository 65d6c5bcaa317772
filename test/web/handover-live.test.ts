import t from 'tap'
import { headline, noBrowser, openBrowser } from '../fixtures/browser.ts'
import { answered, beginHandover, labelOf, scan, startHandoverDay, viewOf } from '../fixtures/handover-day.ts'

t.setTimeout(300_000)

t.test('both pages at once', { skip: noBrowser }, async (t) => {
  const browser = await openBrowser()
  t.teardown(() => browser.close())
  const day = await startHandoverDay(t, browser, 6)
  const { giver, taker } = day

  await t.test('before any driver comes the assistant sees the tubes with their age', async (t) => {
    await giver.page.locator('#tubes-here ~ .tubes').waitFor()
    t.match(await giver.page.innerText('#tubes-here ~ .tubes'), /TUB1000\s+waits for a driver\s+.*hours? \d+ min left/s)
  })

  await t.test('may I leave? The tubes that are expected are told, data does not matter', async (t) => {
    await taker.page.locator('.leave', { hasText: '6 tubes are open' }).waitFor()
    t.match(await taker.page.innerText('.leave'), 'lap-01: 6 tubes are expected, and no handover was begun.')
  })

  await beginHandover(day)

  await t.test('what one scans the other sees', async (t) => {
    await scan(taker.page, labelOf(0))
    await answered(taker.page, 'Present')
    await giver.page.locator('#tubes-there ~ .tubes', { hasText: labelOf(0) }).waitFor({ timeout: 10_000 })
    await scan(giver.page, labelOf(1))
    await answered(giver.page, 'Present')
    const short = taker.page.locator('#tubes-look ~ .tubes', { hasText: labelOf(1) })
    await short.waitFor({ timeout: 10_000 })
    t.match(await short.innerText(), /TUB1001\s+present · 1 of 2 labels in hand/)
    t.match(await taker.page.innerText('.top'), 'In hand: 2. Not yet scanned: 4. Missing: 0.')
  })

  await t.test('a reload in the middle shows the same, and hears the scanner', async (t) => {
    const before = await taker.page.innerText('.top')
    await taker.page.reload()
    await taker.page.locator('#scan').waitFor()
    t.equal(await taker.page.innerText('.top'), before)
    await scan(taker.page, labelOf(2))
    await answered(taker.page, 'Present')
  })

  await t.test('the driver’s program ends and returns: all that was scanned is there', async (t) => {
    await day.restartDriver()
    await taker.page.locator('#scan').waitFor()
    t.equal((await viewOf(taker.page)).counts.present, 3)
    await scan(taker.page, labelOf(3))
    await answered(taker.page, 'Present')
    await giver.page.locator('#tubes-there ~ .tubes', { hasText: labelOf(3) }).waitFor({ timeout: 20_000 })
  })

  await t.test(
    'the assistant’s laptop is gone: told since when, and the driver goes on and finishes alone',
    async (t) => {
      await giver.program.close()
      await taker.page.locator('.heard', { hasText: /Not heard from lap-01 since/ }).waitFor({ timeout: 30_000 })
      await scan(taker.page, labelOf(4))
      await answered(taker.page, 'Present')
      await taker.page.keyboard.press('F8')
      await taker.page.getByRole('button', { name: 'I received these tubes' }).click()
      await taker.page.getByText('Signed by one.').waitFor()
      await taker.page.getByRole('button', { name: 'Finish with one signature' }).click()
      await taker.page.getByText('This handover is closed.').waitFor()
      t.equal(await taker.page.locator('#scan').count(), 0, 'a closed handover takes no scans')
    },
  )

  await t.test('the program is gone: a scan that was not saved is told as that', async (t) => {
    const again = await startHandoverDay(t, browser, 2)
    await beginHandover(again)
    await again.taker.program.close()
    await scan(again.taker.page, labelOf(0))
    await answered(again.taker.page, 'NOT SAVED')
    t.match(await again.taker.page.innerText('.answer'), labelOf(0))
    await again.taker.page.getByRole('alert').waitFor()
    await headline(again.taker.page, 'Handover with lap-01')
  })
})
