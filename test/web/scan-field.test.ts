import type { Page } from 'playwright-core'
import t from 'tap'
import { noBrowser, openBrowser } from '../fixtures/browser.ts'
import { answered, beginHandover, labelOf, scan, startHandoverDay, viewOf } from '../fixtures/handover-day.ts'
import { pause, press } from '../fixtures/keyboard.ts'
import { until } from '../fixtures/until.ts'

t.setTimeout(300_000)
const personMs = 120
const scannerMs = 4
const letters = 'ABCDEFGHJKLMNPQRSTUVWXYZ0123456789-abc]/%$ +.'

/** What the page asked its program to take as scans, in order. */
function listen(page: Page): Array<{ read: string; typed: boolean }> {
  const heard: Array<{ read: string; typed: boolean }> = []
  page.on('request', (request) => {
    if (!request.url().endsWith('/acts')) return
    const { kind, read, typed } = request.postDataJSON()
    if (kind === 'scan') heard.push({ read, typed })
  })
  return heard
}

/** Numbers that are the same at every run (Park and Miller 1988). */
function* chances(seed: number): Generator<number> {
  for (let state = seed; ; ) {
    state = (state * 48_271) % 2_147_483_647
    yield state / 2_147_483_647
  }
}

t.test('the scan field', { skip: noBrowser }, async (t) => {
  const browser = await openBrowser()
  t.teardown(() => browser.close())
  const day = await startHandoverDay(t, browser, 8)
  await beginHandover(day)
  const { page } = day.taker
  const heard = listen(page)
  const heardAll = (count: number) => until(`${count} were heard`, () => heard.length >= count, { deadlineMs: 20_000 })
  const focused = () => page.evaluate<string>('document.activeElement.id || document.activeElement.tagName')

  await t.test('typing is told from scanning, and Tab ends a scan as Enter does', async (t) => {
    await scan(page, labelOf(0))
    await heardAll(1)
    await press(page, [...labelOf(1), 'Enter'], personMs)
    await heardAll(2)
    await press(page, [...labelOf(2), 'Tab'], scannerMs)
    await heardAll(3)
    t.same(heard, [
      { read: labelOf(0), typed: false },
      { read: labelOf(1), typed: true },
      { read: labelOf(2), typed: false },
    ])
    t.equal(await focused(), 'scan')
  })

  await t.test('a scan is heard wherever the focus is, and what is written elsewhere stays as it was', async (t) => {
    heard.length = 0
    await page.keyboard.press('F8')
    const remark = page.locator('#remark')
    await remark.click()
    await press(page, 'cold box open', personMs)
    pause(page, personMs)
    await scan(page, labelOf(3))
    await heardAll(1)
    t.equal(await remark.inputValue(), 'cold box open', 'the label is not in the remark')
    await page.getByRole('button', { name: 'Not now' }).focus()
    await scan(page, labelOf(4))
    await heardAll(2)
    t.same(
      heard.map(({ read }) => read),
      [labelOf(3), labelOf(4)],
    )
    await page.keyboard.press('F8')
    await page.getByRole('button', { name: 'Not now' }).click()
    await until('the focus comes back after a click', async () => (await focused()) === 'scan', { deadlineMs: 2_000 })
    await page.locator('h1').click()
    await until('and after a click beside it', async () => (await focused()) === 'scan', { deadlineMs: 2_000 })
  })

  await t.test('a digit answers a question; a label that begins with one is no answer', async (t) => {
    heard.length = 0
    await scan(page, labelOf(5))
    await heardAll(1)
    await scan(page, labelOf(5))
    await answered(page, 'Already scanned')
    await page.locator('.question').waitFor()
    await scan(page, '3XY1234')
    await answered(page, 'Unexpected')
    t.equal((await viewOf(page)).tubes.find(({ label }) => label === labelOf(5))?.counted, 1)
    await scan(page, labelOf(5))
    await page.locator('.question').waitFor()
    await page.keyboard.press('3')
    await answered(page, 'Counted')
    t.equal((await viewOf(page)).tubes.find(({ label }) => label === labelOf(5))?.counted, 3)
    t.equal(heard.length, 4, 'the answer was no scan')
  })

  await t.test('half a label that was left there is no part of the next scan', async (t) => {
    heard.length = 0
    await press(page, 'AB', personMs)
    pause(page, 700)
    await scan(page, labelOf(6))
    await heardAll(1)
    t.same(heard, [{ read: labelOf(6), typed: false }])
  })

  await t.test('fuzz: whatever is written, the program hears exactly that, once and in order', async (t) => {
    heard.length = 0
    const chance = chances(20_261_124)
    const next = (most: number) => Math.floor((chance.next().value ?? 0) * most)
    const written: string[] = []
    for (let round = 0; round < 120; round++) {
      const read = Array.from({ length: 4 + next(28) }, () => letters[next(letters.length)]).join('')
      if (read.trim() === '') continue
      written.push(read)
      await press(page, [...read, next(4) === 0 ? 'Tab' : 'Enter'], 1 + next(3))
      if (next(6) === 0) await press(page, [['Escape', 'F8', 'Shift+Tab', 'ArrowLeft', 'Backspace'][next(5)] ?? ''], 1)
    }
    await heardAll(written.length)
    t.same(
      heard.map(({ read }) => read),
      written,
    )
    t.equal(heard.filter(({ typed }) => typed).length, 0, 'none of it is told as typed')
  })

  t.same(day.taker.window.broke, [], 'nothing ran that should not')
})
