import { existsSync } from 'node:fs'
import puppeteer from 'puppeteer-core'
import t from 'tap'
import { launchOf, noBrowser, openBrowser } from '../fixtures/browser.ts'
import { labelOf, startHandoverDay } from '../fixtures/handover-day.ts'

t.setTimeout(300_000)
const executablePath = '/usr/bin/firefox-esr'
const noFirefox = existsSync(executablePath)
  ? noBrowser
  : `there is no Firefox at ${executablePath}: install the package firefox-esr to test the pages with it`

t.test('Firefox ESR: a driver scans, undoes and signs', { skip: noFirefox }, async (t) => {
  const browser = await openBrowser()
  const firefox = await puppeteer.launch({ browser: 'firefox', executablePath, headless: true, args: ['--no-remote'] })
  t.teardown(() => Promise.all([browser.close(), firefox.close()]))
  const { taker } = await startHandoverDay(t, browser, 3)
  const page = await firefox.newPage()
  const broke: string[] = []
  page.on('pageerror', (error) => broke.push(String(error)))
  await page.goto(await launchOf(taker.device.data, taker.program.ports.pagePort))
  const says = (selector: string, words: string) =>
    page.waitForFunction(
      `document.querySelector(${JSON.stringify(selector)})?.textContent.includes(${JSON.stringify(words)})`,
      { timeout: 20_000 },
    )
  const scan = async (read: string) => {
    await page.keyboard.type(read, { delay: 4 })
    await page.keyboard.press('Enter')
  }
  const begin = await page.waitForSelector('button[data-do="begin"]', { timeout: 20_000 })
  await begin?.click()
  await page.waitForSelector('#scan', { timeout: 20_000 })
  await page.waitForFunction("document.activeElement.id === 'scan'", { timeout: 10_000 })
  await scan(labelOf(0))
  await says('.answer', 'Present')
  await scan('XYZ9999')
  await says('.answer', 'Unexpected')
  await scan('WAYBILL-UNDO')
  await says('.answer', 'Undone')
  await page.keyboard.press('F4')
  await says('.question', 'Why is')
  await page.keyboard.press('1')
  await says('.answer', 'Missing: written down')
  await scan('WAYBILL-SIGN')
  await page.waitForSelector('.sign-form', { timeout: 20_000 })
  await scan('WAYBILL-SIGN')
  await says('#signed ~ .state', 'Signed by one.')
  t.equal(await page.evaluate('document.activeElement.id'), 'scan')
  t.same(broke, [], 'nothing ran that should not')
})
