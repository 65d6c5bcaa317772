import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import t from 'tap'
import { readRuntime } from '../../shared/service/runtime.ts'
import { brokenRules, headline, launchOf, noBrowser, openBrowser, openWindow } from '../fixtures/browser.ts'
import { record, startClinic, startDriver, startLaptop } from '../fixtures/programs.ts'
import { foundTestStudy } from '../fixtures/study.ts'

t.setTimeout(300_000)
const waybill = join(import.meta.dirname, '../../bin/waybill')

async function until<T>(read: () => T | undefined): Promise<T> {
  for (const end = performance.now() + 20_000; ; await pause(20)) {
    const found = read()
    if (found !== undefined) return found
    if (performance.now() > end) throw new Error('waited in vain')
  }
}

/** The status of an answer to a request with exactly these headers. */
async function statusOf(port: number, method: string, path: string, headers: Record<string, string>, body = '') {
  const asked = request({ host: '127.0.0.1', port, method, path, headers: { connection: 'close', ...headers } })
  asked.end(body)
  const [answer] = await once(asked, 'response')
  answer.destroy()
  return answer.statusCode as number
}

const start = { field: startLaptop, relay: startDriver, server: startClinic }

for (const role of ['field', 'relay', 'server'] as const)
  t.test(`${role}: the door of its page (house rule 13)`, async (t) => {
    const study = await foundTestStudy()
    const device = role === 'server' ? study.server : await study.enrol(role, role)
    const program = await start[role](device)
    const port = program.ports.pagePort ?? 0
    t.teardown(async () => {
      await program.close()
      study.dispose()
    })
    const host = `127.0.0.1:${port}`
    const origin = `http://${host}`
    const body = JSON.stringify({ launch: new URL(await launchOf(device.data, port)).hash.slice('#launch='.length) })
    const json = { 'content-type': 'application/json' }

    await t.test('exactly its own Host, port and Origin', async (t) => {
      t.equal(await statusOf(port, 'GET', '/', { host }), 200)
      t.equal(await statusOf(port, 'GET', '/', { host: `localhost:${port}` }), 200)
      t.equal(await statusOf(port, 'GET', '/', { host, origin }), 200)
      for (const other of ['127.0.0.1', `127.0.0.1:${port + 1}`, `evil.test:${port}`, `127.0.0.1.evil.test:${port}`])
        t.equal(await statusOf(port, 'GET', '/', { host: other }), 403, `Host ${other}`)
      for (const other of ['http://evil.test', `https://${host}`, `http://127.0.0.1:${port + 1}`, 'null'])
        t.equal(
          await statusOf(port, 'POST', '/v1/session', { host, origin: other, ...json }, body),
          403,
          `Origin ${other}`,
        )
      t.equal(await statusOf(port, 'POST', '/v1/session', { host, ...json }, body), 403, 'no Origin')
    })

    await t.test('a launch token buys one bearer, once', async (t) => {
      const sent = { method: 'POST', headers: { ...json, origin }, body }
      const answer = await fetch(`${origin}/v1/session`, sent)
      t.equal(answer.status, 200, 'what was refused before has not used it up')
      const { bearer } = (await answer.json()) as { bearer: string }
      t.equal((await fetch(`${origin}/v1/session`, sent)).status, 401)
      t.equal(await statusOf(port, 'GET', '/v1/live', { host }), 401)
      t.equal(await statusOf(port, 'GET', '/v1/live', { host, authorization: `Bearer ${'A'.repeat(43)}` }), 401)
      t.equal(await statusOf(port, 'GET', `/v1/live?bearer=${bearer}`, { host }), 401, 'an address bears nothing')
      t.equal(await statusOf(port, 'GET', '/v1/live', { host, authorization: `Bearer ${bearer}` }), 200)
    })

    await t.test('what the browser is told to keep from the page', async (t) => {
      const { headers } = await fetch(`${origin}/`)
      t.match(headers.get('content-security-policy'), "default-src 'none'; script-src 'self'")
      t.equal(headers.get('set-cookie'), null, 'no cookie: cookies ignore ports')
      t.equal(headers.get('cache-control'), 'no-store')
      t.equal(headers.get('referrer-policy'), 'no-referrer')
    })
  })

t.test('a page in a browser', { skip: noBrowser }, async (t) => {
  const browser = await openBrowser()
  const study = await foundTestStudy()
  const laptop = await study.enrol('field', 'lap-01')
  const { data } = laptop
  const program = await startLaptop(laptop)
  const port = program.ports.pagePort ?? 0
  t.teardown(async () => {
    await browser.close()
    await program.close()
    study.dispose()
  })

  await t.test('signs in; the token leaves the address, the bearer is never in one, all comes from here', async (t) => {
    const { page, context, asked, broke } = await openWindow(browser, await launchOf(data, port))
    await page.getByRole('heading', { name: 'No changes have been recorded' }).waitFor()
    t.equal(page.url(), `http://127.0.0.1:${port}/`)
    const bearer = await page.evaluate<string>("sessionStorage.getItem('bearer')")
    t.match(bearer, /^[A-Za-z0-9_-]{43}$/)
    t.notOk(asked.some((address) => address.includes(bearer)))
    t.ok(asked.every((address) => address.startsWith(`http://127.0.0.1:${port}/`)))
    t.same(await context.cookies(), [])
    await page.reload()
    await page.getByRole('heading', { name: 'No changes have been recorded' }).waitFor()
    t.same(broke, [])
    await context.close()
  })

  await t.test('a launch link does not open a second window', async (t) => {
    const link = await launchOf(data, port)
    const first = await openWindow(browser, link)
    await first.page.getByRole('heading', { name: 'No changes have been recorded' }).waitFor()
    const second = await openWindow(browser, link)
    await second.page.getByRole('heading', { name: 'This page is not open for you any more.' }).waitFor()
    t.notMatch(await second.page.innerText('body'), 'lap-01', 'and shows nothing of the program')
    t.same(await brokenRules(second.page), [])
    await Promise.all([first.context.close(), second.context.close()])
  })

  await t.test('keys alone: focus shows, and a live update leaves it and what is open alone', async (t) => {
    const { page, context } = await openWindow(browser, await launchOf(data, port))
    const summary = page.getByText('To read out when you call for help')
    await summary.waitFor()
    const help = 'To read out when you call for help'
    for (let count = 0; count < 20 && (await focused(page)) !== help; count++) await page.keyboard.press('Tab')
    t.equal(await focused(page), help)
    t.match(await page.evaluate('getComputedStyle(document.activeElement).outline'), /solid 4px/)
    await page.keyboard.press('Enter')
    await page.getByText('Study configuration').waitFor()
    await record(laptop, program.ports.apiPort, ['one'])
    await page.getByRole('heading', { name: 'One change is safe on this laptop.' }).waitFor()
    t.equal(await focused(page), help, 'the focus stayed')
    t.ok(await page.getByText('Study configuration').isVisible(), 'it stayed open')
    t.same(await brokenRules(page), [])
    await context.close()
  })

  await t.test('a change is read out, but a running count is not read at each step', async (t) => {
    const context = await browser.newContext()
    const page = await context.newPage()
    await page.clock.install()
    await page.goto(await launchOf(data, port))
    const spoken = page.getByRole('status')
    await page.getByRole('heading', { name: 'One change is safe on this laptop.' }).waitFor()
    t.equal(await spoken.textContent(), '', 'what is read when the page opens is not read twice')
    await record(laptop, program.ports.apiPort, ['two'])
    await page.getByRole('heading', { name: '2 changes are safe on this laptop.' }).waitFor()
    t.equal(await spoken.textContent(), '', 'not so soon')
    await page.clock.fastForward(16_000)
    await record(laptop, program.ports.apiPort, ['three'])
    await page.getByRole('heading', { name: '3 changes are safe on this laptop.' }).waitFor()
    t.match(await spoken.textContent(), '3 changes are safe on this laptop.')
    await context.close()
  })
})

t.test('a program that stops, as a process of its own', { skip: noBrowser }, async (t) => {
  const browser = await openBrowser()
  const study = await foundTestStudy()
  const { data } = await study.enrol('field', 'lap-01')
  let child = await startProcess(data, 0)
  const port = readRuntime(data)?.ports.pagePort ?? 0
  t.teardown(async () => {
    await browser.close()
    child.kill('SIGKILL')
    await ended(child)
    study.dispose()
  })

  await t.test('it hangs: its page is old, and is young again when it answers', async (t) => {
    const context = await browser.newContext()
    const page = await context.newPage()
    await page.clock.install()
    await page.goto(await launchOf(data, port))
    await headline(page, 'No changes have been recorded on this laptop yet.')
    child.kill('SIGSTOP')
    await page.clock.fastForward(20_000)
    await page.getByRole('alert').waitFor()
    t.match(await page.innerText('#stale'), /^This page is not up to date since \d\d:\d\d:\d\d\./)
    t.match(await page.innerText('h1'), 'No changes', 'what was known is still to be seen')
    t.same(await brokenRules(page), [])
    child.kill('SIGCONT')
    await page.getByRole('alert').waitFor({ state: 'hidden' })
    await context.close()
  })

  await t.test('it is killed and started again: old at once, then to be opened again', async (t) => {
    const { page, context } = await openWindow(browser, await launchOf(data, port))
    await headline(page, 'No changes have been recorded on this laptop yet.')
    child.kill('SIGKILL')
    await ended(child)
    await page.getByRole('alert').waitFor({ timeout: 8_000 })
    child = await startProcess(data, port)
    await headline(page, 'This page is not open for you any more.')
    t.equal(await page.getByRole('alert').isVisible(), false)
    t.match(await page.innerText('body'), 'Open the page again with the menu entry, or with: waybill page')
    t.same(await brokenRules(page), [])
    await context.close()
  })
})

/** The program as a person starts it; resolves when its page can be opened. */
async function startProcess(data: string, pagePort: number): Promise<ChildProcess> {
  const ports = ['--port', '0', '--page-port', String(pagePort), '--announce-on', '127.0.0.1', '--no-push']
  const child = spawn(waybill, ['daemon', '--data', data, ...ports, '--log-level', 'error'], { stdio: 'inherit' })
  await until(() => readRuntime(data)?.ports.pagePort)
  return child
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

/** The words of what has the focus. */
function focused(page: Page): Promise<string> {
  return page.evaluate<string>('document.activeElement.textContent')
}
