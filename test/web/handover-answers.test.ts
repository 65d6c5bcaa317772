import type { Page } from 'playwright-core'
import t from 'tap'
import { noBrowser, openBrowser } from '../fixtures/browser.ts'
import { answered, beginHandover, labelOf, scan, signBoth, startHandoverDay, viewOf } from '../fixtures/handover-day.ts'
import { draw, recordAll } from '../fixtures/handover-side.ts'
import { startLaptop } from '../fixtures/programs.ts'
import { until } from '../fixtures/until.ts'

t.setTimeout(300_000)
const model = 'lab.requisition'

/** In the page: which tones sounded since it was asked last. */
const listenToTones = `(() => {
  let tones = []
  const make = AudioContext.prototype.createOscillator
  AudioContext.prototype.createOscillator = function () {
    const oscillator = make.call(this)
    const start = oscillator.start.bind(oscillator)
    oscillator.start = (at) => { tones.push([oscillator.type, oscillator.frequency.value]); start(at) }
    return oscillator
  }
  globalThis.tones = () => { const heard = JSON.stringify(tones); tones = []; return heard }
})()`

/** How an answer to a scan looks and sounds. */
async function answerTo(
  page: Page,
  read: string,
  words: string,
): Promise<{ kind: string; sign: string; tones: string }> {
  await page.evaluate('globalThis.tones()')
  await scan(page, read)
  await answered(page, words)
  const box = page.locator('.answer')
  const kind = (await box.getAttribute('class'))?.replace('answer', '').trim() ?? ''
  const size = await page.evaluate<number>(
    "Number.parseFloat(getComputedStyle(document.querySelector('.answer strong')).fontSize)",
  )
  t.ok(size >= 24, `${words}: large words, ${size} px`)
  return { kind, sign: await box.locator('.sign').innerText(), tones: await page.evaluate('globalThis.tones()') }
}

t.test('each of the six answers has its words, its sign and a sound of its own', { skip: noBrowser }, async (t) => {
  const browser = await openBrowser()
  t.teardown(() => browser.close())
  const day = await startHandoverDay(t, browser, 4)
  const { giver, taker, study } = day
  await beginHandover(day)
  await scan(taker.page, labelOf(0))
  await until('the assistant has it', async () => (await viewOf(giver.page)).counts.present === 1)
  await signBoth(day)
  await recordAll(giver.device, [
    { id: 'later', model, action: 'update', pk: 'pk-0', fields: { panel: 'CD4' } },
    { id: 'no', model, action: 'insert', pk: 'pk-no', fields: { label: 'TUBNODR', drawn: 'No', tubes: 1 } },
  ])
  const other = await study.enrol('field', 'lap-02')
  await draw(other, ['TUBELSE'])
  const second = await startLaptop(other)
  t.teardown(() => second.close())
  await day.stop(taker)
  await day.restart(taker, [second])
  const { page } = taker
  await page.evaluate("location.hash = '#'")
  await page.getByText('lap-02').first().waitFor({ timeout: 30_000 })
  await page.locator('[data-device]', { hasText: 'Begin' }).first().waitFor()
  await page.locator(`[data-device="${giver.device.device}"]`).click()
  await page.locator('#scan').waitFor()
  await page.evaluate(listenToTones)
  await until('the changed record is here', async () => {
    const { tubes } = await viewOf(page)
    return tubes.length === 3
  })
  const answers = [
    await answerTo(page, labelOf(3), 'Present'),
    await answerTo(page, labelOf(3), 'Already scanned'),
    await answerTo(page, 'TUBELSE', 'Belongs to lap-02'),
    await answerTo(page, 'NOWHERE', 'Unexpected'),
    await answerTo(page, labelOf(0), 'Changed since its last handover'),
    await answerTo(page, 'TUBNODR', 'Not drawn, says the data'),
  ]
  t.equal(new Set(answers.map(({ tones }) => tones)).size, 6, 'six sounds')
  t.equal(new Set(answers.map(({ sign }) => sign)).size, 6, 'six signs: never colour alone')
  t.ok(answers.every(({ tones }) => tones !== '[]'))
  t.same(
    answers.map(({ kind }) => kind),
    ['good', 'work', 'wait', 'bad', 'wait', 'bad'],
  )
  t.same(taker.window.broke, [])
})
