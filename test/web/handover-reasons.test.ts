import t from 'tap'
import { noBrowser, openBrowser } from '../fixtures/browser.ts'
import { answered, beginHandover, labelOf, scan, startHandoverDay, viewOf } from '../fixtures/handover-day.ts'
import { until } from '../fixtures/until.ts'

t.setTimeout(300_000)

/** In the page: a 4 is typed before anything else is drawn after the question. */
const digitAtQuestion = `(() => {
  const watch = new MutationObserver(() => {
    if (!document.querySelector('.answer').textContent.includes('Why is it missing?')) return
    watch.disconnect()
    const field = document.getElementById('scan')
    field.dispatchEvent(new KeyboardEvent('keydown', { key: '4', bubbles: true }))
    field.value = '4'
  })
  watch.observe(document.querySelector('.answer'), { childList: true, characterData: true, subtree: true })
})()`

t.test('more reasons than digits: MISSING again shows the next ones', { skip: noBrowser }, async (t) => {
  const browser = await openBrowser()
  t.teardown(() => browser.close())
  const reasons = Array.from({ length: 23 }, (_, index) => ({
    ...{ code: `reason${index + 1}`, words: `reason number ${index + 1}`, closes: false },
  }))
  const day = await startHandoverDay(t, browser, 5, { reasons })
  await beginHandover(day)
  const { page } = day.taker
  const asked = () => page.locator('.question .choices kbd + bdi').allInnerTexts()
  const missing = async (number: number) =>
    (await viewOf(page)).tubes.find(({ label }) => label === labelOf(number))?.reason ?? null

  const askWithKeys = async (turns: number) => {
    await page.keyboard.press('F4')
    await until('it is asked', async () => (await asked())[0] === 'reason number 1')
    for (let times = 0; times < turns; times++) await page.keyboard.press('F4')
  }

  await t.test('by scanner alone', async (t) => {
    await scan(page, 'WAYBILL-MISSING')
    await until('it is asked', async () => (await asked()).length === 10)
    t.same(
      await asked(),
      reasons.slice(0, 10).map(({ words }) => words),
    )
    await scan(page, 'WAYBILL-MISSING')
    await page.getByText('reason number 12').waitFor()
    t.same(
      await asked(),
      reasons.slice(10, 20).map(({ words }) => words),
    )
    await scan(page, 'WAYBILL-2')
    await answered(page, 'Missing: written down')
    t.equal(await missing(0), 'reason12')
  })

  await t.test('by keys alone, to the last ones and round to the first', async (t) => {
    await askWithKeys(2)
    await page.getByText('reason number 23').waitFor()
    t.same(
      await asked(),
      reasons.slice(20).map(({ words }) => words),
    )
    await page.keyboard.press('3')
    await answered(page, 'Missing: written down')
    t.equal(await missing(1), 'reason23')
    await askWithKeys(3)
    await until('the first ten are shown again', async () => (await asked())[0] === 'reason number 1')
    await page.keyboard.press('0')
    await until('the tenth is written down', async () => (await missing(2)) === 'reason10')
  })

  await t.test('the next question begins with the first ten', async (t) => {
    await askWithKeys(1)
    await page.getByText('reason number 11').waitFor()
    await page.keyboard.press('Escape')
    await page.keyboard.press('F4')
    await until('the first ten are shown', async () => (await asked())[0] === 'reason number 1')
    t.match(await page.innerText('#question'), `Why is ${labelOf(3)} missing?`)
  })

  await t.test('a digit answers from the moment in which the question can be read', async (t) => {
    await scan(page, labelOf(4))
    await answered(page, 'Present')
    await page.locator('.question').waitFor({ state: 'detached' })
    await page.evaluate(digitAtQuestion)
    await page.keyboard.press('F4')
    await until('it is written down', async () => (await missing(3)) !== null)
    t.equal(await missing(3), 'reason4')
  })
  t.same(day.taker.window.broke, [])
})
