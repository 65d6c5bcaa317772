import t from 'tap'
import { noBrowser, openBrowser } from '../fixtures/browser.ts'
import { answered, beginHandover, labelOf, scan, startHandoverDay, viewOf } from '../fixtures/handover-day.ts'

t.setTimeout(300_000)
const tubes = 400
const mostBytes = 150_000

t.test('four hundred tubes', { skip: noBrowser }, async (t) => {
  const browser = await openBrowser()
  t.teardown(() => browser.close())
  const day = await startHandoverDay(t, browser, tubes)
  await beginHandover(day)
  const { page } = day.taker

  await t.test('every answer is seen, and sounds', async (t) => {
    await page.evaluate(watchAnswers)
    const took: number[] = []
    for (let number = 0; number < 40; number++) {
      await scan(page, labelOf(number))
      took.push(await page.evaluate<number>('globalThis.nextAnswer()'))
    }
    const sorted = took.toSorted((a, b) => a - b)
    t.comment(`from Enter to the answer on the page: median ${sorted[20]} ms, longest ${sorted.at(-1)} ms`)
    t.equal((await viewOf(page)).tubes.filter(({ counted }) => counted === 1).length, 40, 'each scan was answered')
    t.equal(await page.evaluate('globalThis.sounded'), 40, 'each answer sounded once')
  })

  await t.test('muted: it is to be seen, and nothing sounds', async (t) => {
    await page.getByRole('button', { name: 'Sound is on: mute' }).click()
    await scan(page, labelOf(41))
    await page.evaluate('globalThis.nextAnswer()')
    t.equal(await page.evaluate('globalThis.sounded'), 40)
    await page.getByRole('button', { name: 'Sound is off: sound again' }).waitFor()
  })

  await t.test('the first rows are shown, and the rest at a touch', async (t) => {
    const rows = page.locator('#tubes-notYet ~ .tubes > li')
    const before = await rows.count()
    t.ok(before < 100, `${before} rows`)
    await page.locator('#tubes-notYet ~ button', { hasText: 'Show' }).click()
    t.ok((await rows.count()) > 350)
  })
})

t.test(
  'more tubes than anybody reads: counted, the first ones listed, each found by a scan',
  { skip: noBrowser },
  async (t) => {
    const browser = await openBrowser()
    t.teardown(() => browser.close())
    const day = await startHandoverDay(t, browser, 600)
    await beginHandover(day)
    const { page } = day.taker
    await page.getByText('100 more are not listed here; a scan finds them.').waitFor()
    t.equal(await page.innerText('#tubes-notYet'), 'Not yet scanned (600)')
    const { tubes, unlisted } = await viewOf(page)
    t.same([tubes.length, unlisted], [500, 100])
    await scan(page, labelOf(597))
    await answered(page, 'Present')
    t.match(await page.innerText('.answer'), labelOf(597))
    t.notOk(
      tubes.some(({ label }) => label === labelOf(597)),
      'it was not listed',
    )
    await page.getByText('Present (1)').waitFor()
  },
)

t.test('a page is small: all that a browser loads of it', { skip: noBrowser }, async (t) => {
  const browser = await openBrowser()
  t.teardown(() => browser.close())
  const day = await startHandoverDay(t, browser, 1)
  for (const { page } of [day.giver, day.taker]) {
    let bytes = 0
    const paths = new Set<string>()
    page.on('response', async (response) => {
      const { pathname } = new URL(response.url())
      if (pathname.startsWith('/v1/') || paths.has(pathname)) return
      paths.add(pathname)
      bytes += Number(response.headers()['content-length'] ?? Number.NaN)
    })
    await page.reload()
    await page.locator('#handovers').waitFor()
    t.comment(`${bytes} bytes in ${paths.size} files`)
    t.ok(paths.size > 10 && bytes > 20_000 && bytes < mostBytes, `${bytes} bytes`)
  }
})

/** In the page: when the last Enter was, when the answer after it was to be seen, and how many answers sounded. */
const watchAnswers = `(() => {
  let entered = 0
  let shown = () => {}
  let next = new Promise((resolve) => { shown = resolve })
  addEventListener('keydown', ({ key }) => { if (key === 'Enter') entered = performance.now() }, true)
  new MutationObserver(() => requestAnimationFrame(() => {
    shown(Math.round(performance.now() - entered))
  })).observe(document.querySelector('.answer'), { subtree: true, childList: true, characterData: true, attributes: true })
  globalThis.nextAnswer = async () => {
    const took = await next
    next = new Promise((resolve) => { shown = resolve })
    return took
  }
  globalThis.sounded = 0
  const make = AudioContext.prototype.createOscillator
  AudioContext.prototype.createOscillator = function () { globalThis.sounded += 1; return make.call(this) }
})()`
