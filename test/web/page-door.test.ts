import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import t from 'tap'
import { readRuntime } from '../../shared/service/runtime.ts'
import { brokenRules, launchOf, noBrowser, openBrowser, openWindow } from '../fixtures/browser.ts'
import { foundTestStudy, type TestStudy } from '../fixtures/study.ts'

t.setTimeout(90_000)
const waybill = join(import.meta.dirname, '../../bin/waybill')

/** A real program as a person would start it, and where its page is. */
interface Started {
  child: ChildProcess
  data: string
  port: number
  stop(): Promise<void>
}

async function start(data: string, program: string, pagePort = 0): Promise<Started> {
  const ports = ['--port', '0', '--page-port', String(pagePort), '--log-level', 'silent']
  const only = program === 'relay' ? '--browse-on' : '--announce-on'
  const child = spawn(waybill, [program, '--data', data, ...ports, only, '127.0.0.1'], { stdio: 'inherit' })
  const port = await until(() => readRuntime(data)?.ports.pagePort)
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGCONT')
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  return { child, data, port, stop }
}

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

const programs = { daemon: 'field', relay: 'relay', server: 'server' } as const

async function dataOf(study: TestStudy, program: keyof typeof programs): Promise<string> {
  return program === 'server' ? study.server.data : (await study.enrol(programs[program], program)).data
}

for (const program of ['daemon', 'relay', 'server'] as const)
  t.test(`${program}: the door of its page (house rule 13)`, async (t) => {
    const study = await foundTestStudy()
    const { data, port, stop } = await start(await dataOf(study, program), program)
    t.teardown(async () => {
      await stop()
      study.dispose()
    })
    const host = `127.0.0.1:${port}`
    const origin = `http://${host}`
    const body = JSON.stringify({ launch: new URL(await launchOf(data, port)).hash.slice('#launch='.length) })
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
  let program = await start(await dataOf(study, 'daemon'), 'daemon')
  const { data, port } = program
  t.teardown(async () => {
    await browser.close()
    await program.stop()
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
    t.notMatch(await second.page.innerText('body'), 'daemon', 'and shows nothing of the program')
    t.same(await brokenRules(second.page), [])
    await Promise.all([first.context.close(), second.context.close()])
  })

  await t.test('keys alone: focus shows, and a live update leaves it and what is open alone', async (t) => {
    const { page, context } = await openWindow(browser, await launchOf(data, port))
    const summary = page.getByText('To read out when you call for help')
    await summary.waitFor()
    for (let count = 0; count < 20 && (await focused(page)) !== 'SUMMARY'; count++) await page.keyboard.press('Tab')
    t.equal(await focused(page), 'SUMMARY')
    t.match(await page.evaluate('getComputedStyle(document.activeElement).outline'), /solid 4px/)
    await page.keyboard.press('Enter')
    await page.getByText('Study configuration').waitFor()
    await record(data, 'one')
    await page.getByRole('heading', { name: 'One change is safe on this laptop.' }).waitFor()
    t.equal(await focused(page), 'SUMMARY', 'the focus stayed')
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
    await record(data, 'two')
    await page.getByRole('heading', { name: '2 changes are safe on this laptop.' }).waitFor()
    t.equal(await spoken.textContent(), '', 'not so soon')
    await page.clock.fastForward(16_000)
    await record(data, 'three')
    await page.getByRole('heading', { name: '3 changes are safe on this laptop.' }).waitFor()
    t.match(await spoken.textContent(), '3 changes are safe on this laptop.')
    await context.close()
  })

  await t.test('a program that hangs: its page is old, and is young again when it answers', async (t) => {
    const context = await browser.newContext()
    const page = await context.newPage()
    await page.clock.install()
    await page.goto(await launchOf(data, port))
    await page.getByRole('heading', { name: '3 changes are safe on this laptop.' }).waitFor()
    program.child.kill('SIGSTOP')
    await page.clock.fastForward(20_000)
    await page.getByRole('alert').waitFor()
    t.match(await page.innerText('#stale'), /^This page is not up to date since \d\d:\d\d:\d\d\./)
    t.match(await page.innerText('h1'), '3 changes', 'what was known is still to be seen')
    t.same(await brokenRules(page), [])
    program.child.kill('SIGCONT')
    await page.getByRole('alert').waitFor({ state: 'hidden' })
    await context.close()
  })

  await t.test('a program that was killed and started again: old at once, then to be opened again', async (t) => {
    const { page, context } = await openWindow(browser, await launchOf(data, port))
    await page.getByRole('heading', { name: '3 changes are safe on this laptop.' }).waitFor()
    program.child.kill('SIGKILL')
    await once(program.child, 'exit')
    await page.getByRole('alert').waitFor()
    program = await start(data, 'daemon', port)
    await page.getByRole('heading', { name: 'This page is not open for you any more.' }).waitFor()
    t.equal(await page.getByRole('alert').isVisible(), false)
    t.match(await page.innerText('body'), 'Open the page again with the menu entry, or with: waybill page')
    t.same(await brokenRules(page), [])
    await context.close()
  })
})

function focused(page: Page): Promise<string> {
  return page.evaluate<string>('document.activeElement.tagName')
}

async function record(data: string, id: string): Promise<void> {
  const change = {
    ...{ id, model: 'bhp.visit', action: 'insert', pk: id, naturalKey: ['x', id], fields: {}, base: [], user: 'ra' },
    recordedAt: '2026-11-01T10:00:00.000Z',
  }
  const command = spawn(waybill, ['record', '--data', data], { stdio: ['pipe', 'ignore', 'inherit'] })
  command.stdin?.end(JSON.stringify(change))
  const [code] = await once(command, 'exit')
  if (code !== 0) throw new Error(`waybill record ended with ${code}`)
}
