import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import t from 'tap'
import { brokenRules, headline, isTooWide, noBrowser, openBrowser, sizes } from '../fixtures/browser.ts'
import { custodyBy } from '../fixtures/craft-batch.ts'
import { forkedChain } from '../fixtures/forked-chain.ts'
import { ManagerDay } from '../fixtures/manager-day.ts'

t.setTimeout(600_000)

t.test(
  'what is not opened: seen side by side, one version released, the other refused',
  { skip: noBrowser },
  async (t) => {
    const browser = await openBrowser()
    t.teardown(() => browser.close())
    const day = await ManagerDay.start(t)
    const relay = await day.study.enrol('relay', 'Lesedi')
    const { server, laptops } = day
    const { trunk, a, b } = await forkedChain(server, laptops[0], 'f')
    const direct = server.as(laptops[0])
    for (const batch of [...trunk, a[0]]) await direct.push(batch)
    await server.settled()
    const courier = server.as(relay)
    await courier.meet()
    await courier.push(b[0], [(await custodyBy(relay, b[0])).jws])
    for (const batch of [b[1], a[1]]) await direct.push(batch)
    await server.settled()

    await t.test('the lab looks, and no more; nobody sees a value', async (t) => {
      const { page, broke, context } = await day.person(browser, 'Kagiso')
      await page.locator('nav.parts a', { hasText: 'Not opened' }).first().click()
      await headline(page, '3 numbers are here and not opened.')
      await page.locator('.peers > li', { hasText: 'Number 4' }).first().getByRole('link').click()
      await page.getByRole('heading', { name: 'The versions, side by side' }).waitFor()
      t.equal(await page.getByRole('button', { name: /Release|Refuse/ }).count(), 0)
      t.notMatch(await page.locator('main').innerText(), /61\.5|fp\b|fq\b/, 'neither a value nor whose')
      t.same(broke, [])
      await context.close()
      const reader = await day.person(browser, 'Rra Molefe')
      await reader.page.evaluate("location.hash = 'batches'")
      await reader.page.getByRole('alert').filter({ hasText: 'NOT_ALLOWED' }).waitFor()
      await reader.context.close()
    })

    await t.test('looked at on each size, light and dark, with no rule broken', async (t) => {
      const shots = process.env.WAYBILL_SHOTS
      for (const colorScheme of ['light', 'dark'] as const) {
        const { page, broke, context } = await day.person(browser, 'Naledi', { colorScheme })
        for (const hash of ['batches', `batch/${b[0].digest}`]) {
          await page.evaluate(`location.hash = '${hash}'`)
          await (hash === 'batches' ? page.locator('.peers > li').first() : page.locator('#decide')).waitFor()
          for (const [name, size] of Object.entries(sizes)) {
            await page.setViewportSize(size)
            t.equal(await isTooWide(page), false, `${hash.slice(0, 7)} ${name} ${colorScheme}`)
            if (shots) {
              mkdirSync(shots, { recursive: true })
              await page.screenshot({
                path: join(shots, `${hash.slice(0, 7).replace('/', '-')}-${name}-${colorScheme}.png`),
                fullPage: true,
              })
            }
          }
          t.same(await brokenRules(page), [], `${hash.slice(0, 7)} ${colorScheme}`)
        }
        t.same(broke, [])
        await context.close()
      }
    })

    await t.test('one is released, the other refused, with keys alone; who decides second is told so', async (t) => {
      const [first, second] = [await day.person(browser, 'Naledi'), await day.person(browser, 'Neo')]
      for (const { page } of [first, second]) {
        await page.evaluate(`location.hash = 'batch/${b[0].digest}'`)
        await page.locator('form[data-do="release"]').waitFor()
      }
      t.match(await first.page.locator('main').innerText(), /One more number waits behind it: 4\./)
      t.match(await first.page.locator('main').innerText(), /lap-01 to Lesedi/)
      await first.page.locator('form[data-do="release"] input[name="reason"]').focus()
      await first.page.keyboard.type('the disk was put back')
      await first.page.keyboard.press('Enter')
      await first.page.getByText('That is decided. It is opened now.').waitFor()
      await second.page
        .locator('form[data-do="refuse"] input[name="reason"]')
        .fill('no')
        .catch(() => undefined)
      await second.page.keyboard.press('Enter')
      await headline(first.page, 'lap-01: number 3 is opened.')
      await headline(second.page, 'lap-01: number 3 is opened.')
      await first.page.getByText(/Released by Naledi, .*: the disk was put back/).waitFor()
      await first.page.evaluate(`location.hash = 'batch/${a[1].digest}'`)
      await first.page.locator('form[data-do="refuse"] input[name="reason"]').fill('a copy')
      await first.page.keyboard.press('Enter')
      await first.page.getByText('That is decided. It is not opened.').waitFor()
      await first.page.evaluate("location.hash = 'batches/refused'")
      await first.page
        .getByText(/Refused by Naledi, .*: a copy/)
        .first()
        .waitFor()
      const [file] = await Promise.all([
        first.page.waitForEvent('download'),
        first.page.getByRole('button', { name: 'Download as CSV' }).click(),
      ])
      const csv: Record<string, string>[] = parse(readFileSync(await file.path()), { columns: true, bom: true })
      t.match(
        csv.map(({ state, seq, refusedBy, refusedFor }) => [state, seq, refusedBy, refusedFor]),
        [['refused', '4', 'Naledi', 'a copy']],
      )
      const acts = server.sql<{ act: string; reason: string }>(
        "SELECT act, who, about, reason FROM acts WHERE act IN ('release', 'refuse') AND who = 'Naledi' ORDER BY position",
      )
      t.match(acts, [
        { act: 'release', about: `batch ${b[0].digest}`, reason: 'the disk was put back' },
        { act: 'refuse', about: `batch ${a[1].digest}`, reason: 'a copy' },
      ])
      t.same(first.broke, [])
      await first.context.close()
      await second.context.close()
      await day.settled()
      t.ok(await server.verify())
    })
  },
)
