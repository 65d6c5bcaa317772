import t from 'tap'
import { brokenRules, noBrowser, openBrowser } from '../fixtures/browser.ts'
import { startHandoverDay } from '../fixtures/handover-day.ts'

t.setTimeout(120_000)

/** In the page: the first picture that the program gives of itself. */
const firstPicture = `(async () => {
  const headers = { authorization: 'Bearer ' + sessionStorage.getItem('bearer') }
  const { body } = await fetch('/v1/live', { headers })
  const reader = body.getReader()
  let text = ''
  while (!text.includes('\\n\\n')) text += new TextDecoder().decode((await reader.read()).value)
  await reader.cancel()
  return text.slice('data: '.length, text.indexOf('\\n\\n'))
})()`

t.test('a battery that runs out is told on both pages, before it is empty', { skip: noBrowser }, async (t) => {
  const browser = await openBrowser()
  t.teardown(() => browser.close())
  const { giver, taker } = await startHandoverDay(t, browser, 1)
  for (const { page, device } of [giver, taker]) {
    const picture = JSON.parse(await page.evaluate<string>(firstPicture))
    let battery: { percent: number; isCharging: boolean } | null = null
    await page.route('**/v1/live', (route) => {
      const body = `data: ${JSON.stringify({ ...picture, state: { ...picture.state, battery } })}\n\n`
      return route.fulfill({ contentType: 'text/event-stream', body })
    })
    const warning = page.getByText('The battery of this laptop is at 12 %.')
    battery = { percent: 12, isCharging: false }
    await page.reload()
    await warning.waitFor({ timeout: 20_000 })
    t.same(await brokenRules(page), [], device.identity.name)
    battery = { percent: 12, isCharging: true }
    await warning.waitFor({ state: 'detached', timeout: 20_000 })
  }
})
