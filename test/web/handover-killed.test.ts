import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { readRuntime } from '../../shared/service/runtime.ts'
import { launchOf, noBrowser, openBrowser, openWindow } from '../fixtures/browser.ts'
import {
  answered,
  beginHandover,
  type HandoverDay,
  labelOf,
  type Side,
  scan,
  startHandoverDay,
  viewOf,
} from '../fixtures/handover-day.ts'
import { addressOf } from '../fixtures/programs.ts'
import { until } from '../fixtures/until.ts'

t.setTimeout(300_000)
const waybill = join(import.meta.dirname, '../../bin/waybill')

/** A side's program as a process of its own, which a power cut ends. */
class Mortal {
  #child: ChildProcess | undefined
  readonly #side: Side
  readonly #flags: string[]

  constructor(side: Side, flags: string[]) {
    this.#side = side
    this.#flags = flags
  }

  async start(browser: Browser): Promise<Page> {
    const { data } = this.#side.device
    const own = ['--data', data, '--page-port', '0', '--log-level', 'error']
    this.#child = spawn(waybill, [...this.#flags, ...own], { stdio: 'inherit' })
    const { pid } = this.#child
    await until('it runs', () => readRuntime(data)?.pid === pid && readRuntime(data)?.ports.pagePort !== undefined)
    const window = await openWindow(browser, await launchOf(data, readRuntime(data)?.ports.pagePort))
    await window.page.locator('#handovers').waitFor()
    return window.page
  }

  async kill(): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
}

const flags = {
  giver: ({ giver }: HandoverDay) => [
    'daemon',
    '--announce-on',
    '127.0.0.1',
    '--no-push',
    '--port',
    String(giver.program.ports.port),
  ],
  taker: ({ giver }: HandoverDay) => [
    'relay',
    '--browse-on',
    '127.0.0.1',
    '--port',
    '0',
    '--peers',
    addressOf(giver.program),
  ],
}

for (const name of ['giver', 'taker'] as const)
  t.test(`${name} killed right after an answer: that scan is kept, and it goes on`, { skip: noBrowser }, async (t) => {
    const browser = await openBrowser()
    t.teardown(() => browser.close())
    const day = await startHandoverDay(t, browser, 6)
    await beginHandover(day)
    const { hash } = new URL(day.taker.page.url())
    const [side, other] = name === 'giver' ? [day.giver, day.taker] : [day.taker, day.giver]
    await side.program.close()
    const mortal = new Mortal(side, flags[name](day))
    t.teardown(() => mortal.kill())
    for (let times = 0; times < 3; times++) await dieOnce(t, browser, mortal, hash, times)
    await other.page
      .locator('.top', { hasText: 'In hand: 3. Not yet scanned: 3.' })
      .waitFor({ timeout: 30_000 })
      .catch(async () => t.fail(`the other laptop says ${await other.page.innerText('.top')}`))
  })

/** Scans one tube and is killed as soon as the page has told of it. */
async function dieOnce(t: Test, browser: Browser, mortal: Mortal, hash: string, times: number): Promise<void> {
  const page = await mortal.start(browser)
  await page.evaluate(`location.hash = '${hash}'`)
  await page.locator('#scan').waitFor()
  t.equal((await viewOf(page)).counts.present, times, `what was scanned before ${times} deaths is there`)
  await scan(page, labelOf(times))
  await answered(page, 'Present')
  await mortal.kill()
  if (times < 2) return
  const last = await mortal.start(browser)
  await last.evaluate(`location.hash = '${hash}'`)
  await last.locator('.top', { hasText: 'In hand: 3.' }).waitFor()
}
