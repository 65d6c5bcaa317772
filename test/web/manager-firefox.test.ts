import { existsSync } from 'node:fs'
import puppeteer from 'puppeteer-core'
import t from 'tap'
import { ManagerDay } from '../fixtures/manager-day.ts'
import { password } from '../fixtures/manager-door.ts'
import { until } from '../fixtures/until.ts'

t.setTimeout(300_000)
const executablePath = '/usr/bin/firefox-esr'
const noFirefox = existsSync(executablePath)
  ? false
  : `there is no Firefox at ${executablePath}: install the package firefox-esr to test the pages with it`

t.test(
  'Firefox ESR: a data manager signs in, resolves a conflict with keys alone, and signs out',
  { skip: noFirefox },
  async (t) => {
    const firefox = await puppeteer.launch({
      ...{ browser: 'firefox', executablePath, headless: true, acceptInsecureCerts: true, args: ['--no-remote'] },
    })
    t.teardown(() => firefox.close())
    const day = await ManagerDay.start(t)
    const page = await firefox.newPage()
    const broke: string[] = []
    page.on('pageerror', (error) => broke.push(String(error)))
    await page.goto(day.address)
    const says = (words: string) =>
      page.waitForFunction(`document.querySelector('main').textContent.includes(${JSON.stringify(words)})`, {
        timeout: 30_000,
      })
    const focus = async (selector: string) => (await page.waitForSelector(selector, { timeout: 30_000 }))?.focus()
    await page.waitForFunction("document.activeElement.id === 'name'", { timeout: 30_000 })
    await page.keyboard.type('Naledi')
    await page.keyboard.press('Tab')
    await page.keyboard.type(password)
    await page.keyboard.press('Enter')
    await says('not clear yet')
    await focus('nav.parts a[href="#conflicts"]')
    await page.keyboard.press('Enter')
    await says('One record says two things at once.')
    await focus('a[href^="#conflict/"]')
    await page.keyboard.press('Enter')
    await says('Side by side')
    await focus('button[data-do="choose"]')
    await page.keyboard.press('Enter')
    await focus('#resolve-reason')
    await page.keyboard.type('seen on paper')
    await page.keyboard.press('Enter')
    await says('No record contradicts itself.')
    await until('no conflict is left', () => day.count('conflicts') === 0)
    await focus('[data-do="signOut"]')
    await page.keyboard.press('Enter')
    await says('You are signed out.')
    t.same(broke, [], 'nothing ran that should not')
  },
)
