import t from 'tap'
import { noBrowser, openBrowser } from '../fixtures/browser.ts'
import {
  answered,
  beginHandover,
  expected,
  labelOf,
  scan,
  signByScanner,
  startHandoverDay,
  viewOf,
} from '../fixtures/handover-day.ts'
import { until } from '../fixtures/until.ts'

t.setTimeout(300_000)

t.test('driver B finds the tubes whose data driver A took', { skip: noBrowser }, async (t) => {
  const browser = await openBrowser()
  t.teardown(() => browser.close())
  const day = await startHandoverDay(t, browser, 4)
  const { giver, taker } = day
  await beginHandover(day)
  for (const number of [0, 3]) {
    await scan(taker.page, labelOf(number))
    await taker.page.locator('#tubes-there ~ .tubes', { hasText: labelOf(number) }).waitFor()
  }
  await until('the assistant has it', async () => (await viewOf(giver.page)).counts.present === 2)
  await signByScanner(taker)
  await signByScanner(giver)
  await giver.page.getByText('This handover is closed.').waitFor({ timeout: 20_000 })
  await giver.page.getByRole('link', { name: /Back to the first page/ }).click()
  await giver.page.getByText(/0 safe here · 4 with Thabo since/).waitFor({ timeout: 30_000 })
  await taker.program.close()

  const second = await day.secondDriver()
  await until('the rest is expected', async () => (await expected(second)) === 2, { deadlineMs: 30_000 })
  await second.page.locator('.leave', { hasText: '2 tubes are open' }).waitFor()
  await second.page.getByRole('button', { name: 'Begin the handover' }).click()
  await second.page.locator('#scan').waitFor()
  t.same(
    (await viewOf(second.page)).tubes.map(({ label, state }) => [label, state]),
    [1, 2].map((number) => [labelOf(number), 'notYetScanned']),
    'only what driver A did not take',
  )
  await scan(second.page, labelOf(1))
  await answered(second.page, 'Present')
  await scan(second.page, labelOf(0))
  await answered(second.page, 'Unexpected')
  await giver.page.getByRole('link', { name: 'Go on with the handover' }).click({ timeout: 20_000 })
  await giver.page.locator('.top', { hasText: 'In hand: 1. Not yet scanned: 1.' }).waitFor({ timeout: 20_000 })
  t.match(await giver.page.innerText('.top'), 'Handover with')
  t.same([...second.window.broke, ...giver.window.broke], [])
})

t.test(
  'both signed while they were apart: two versions of one number, and what differs',
  { skip: noBrowser },
  async (t) => {
    const browser = await openBrowser()
    t.teardown(() => browser.close())
    const day = await startHandoverDay(t, browser, 4)
    const { giver, taker } = day
    await beginHandover(day)
    await scan(taker.page, labelOf(0))
    await until('the assistant has it', async () => (await viewOf(giver.page)).counts.present === 1)
    await day.stop(taker)
    await scan(giver.page, labelOf(1))
    await answered(giver.page, 'Present')
    await signByScanner(giver)
    await day.stop(giver)
    await day.restart(taker)
    await taker.page.locator('#scan').waitFor()
    await scan(taker.page, labelOf(3))
    await answered(taker.page, 'Present')
    await signByScanner(taker)
    await day.restart(giver)
    for (const { page } of [taker, giver]) {
      await page.getByText('Both signed, and what they signed differs.').waitFor({ timeout: 30_000 })
      const versions = page.locator('.revisions > li')
      t.equal(await versions.count(), 2)
      for (const [has, other] of [
        [1, 3],
        [3, 1],
      ] as const) {
        const version = versions.filter({ hasText: `${labelOf(has)}: present` })
        t.equal(await version.count(), 1, `one has ${labelOf(has)}`)
        t.match(await version.innerText(), /Version 1, .*: one of two versions/)
        t.match(await version.innerText(), `${labelOf(other)}: not yet scanned`)
        t.match(await version.innerText(), 'The other version does not have this, or has it differently:')
      }
      await page.getByText('Changed since it was signed: what is shown here is not signed yet.').waitFor()
      t.match(await page.innerText('.top'), 'In hand: 3. Not yet scanned: 1.', 'what is shown has all of it')
    }
    await signByScanner(taker)
    await until('the next version is here', async () => (await viewOf(giver.page)).revisions.length === 3)
    await signByScanner(giver)
    for (const { page } of [taker, giver]) await page.getByText('Signed by both.').waitFor({ timeout: 20_000 })
  },
)

t.test(
  'the laptop’s clock is six years behind: minutes left are right, the future is doubtful',
  { skip: noBrowser },
  async (t) => {
    const browser = await openBrowser()
    t.teardown(() => browser.close())
    const day = await startHandoverDay(t, browser, 1, { laptopYearsOff: -6 })
    const { giver, taker } = day
    await day.draw(60, 1)
    await day.draw(1, 1, 48 * 60)
    await until('the list is here', async () => (await expected(taker)) === 3, { deadlineMs: 30_000 })
    await beginHandover(day)
    await until('the clocks are compared', async () => (await viewOf(taker.page)).heardAt !== null)
    for (const { page } of [taker, giver]) {
      const row = (number: number) =>
        page.locator('#tubes-notYet ~ .tubes > li', { hasText: labelOf(number) }).innerText()
      t.match(await row(0), /(3 hours 5\d|4 hours 0) min left/)
      t.match(await row(60), /(2 hours 5\d|3 hours 0) min left/)
      t.match(await row(1), 'Drawn time doubtful: ask')
      t.notMatch(await row(1), /left|Too old/)
    }
    const drawn = new Date(Date.now() - 60 * 60_000).toISOString().slice(0, 10)
    t.equal((await viewOf(taker.page)).tubes.find(({ label }) => label === labelOf(60))?.drawnAt?.slice(0, 10), drawn)
    t.equal(
      (await viewOf(giver.page)).tubes.find(({ label }) => label === labelOf(60))?.drawnAt?.slice(0, 4),
      String(Number(drawn.slice(0, 4)) - 6),
    )
  },
)
