import t from 'tap'
import { appWithOutbox, put } from '../fixtures/app-outbox.ts'
import {
  brokenRules,
  headline,
  isTooWide,
  launchOf,
  noBrowser,
  openBrowser,
  openWindow,
  sizes,
} from '../fixtures/browser.ts'
import { startLaptop } from '../fixtures/programs.ts'

t.setTimeout(300_000)

t.test("what is not taken over from the app, on the assistant's page", { skip: noBrowser }, async (t) => {
  const browser = await openBrowser()
  t.teardown(() => browser.close())
  const { app, database, laptop } = await appWithOutbox(t, 'sqlite')
  const open = async (settings: object) => {
    const program = await startLaptop(laptop.device, [], { settings: { appDatabase: database.url, ...settings } })
    t.teardown(() => program.close())
    const window = await openWindow(browser, await launchOf(laptop.device.data, program.ports.pagePort))
    const told = async (text: RegExp | string) => {
      await window.page
        .locator('[data-key=app-outbox]')
        .getByText(text)
        .waitFor({ timeout: 20_000 })
        .catch(async () => t.fail(`waited for ${text}, the page says ${await window.page.innerText('body')}`))
      for (const size of Object.values(sizes)) {
        await window.page.setViewportSize(size)
        t.equal(await isTooWide(window.page), false)
      }
      t.same(await brokenRules(window.page), [])
    }
    return { ...window, program, told }
  }

  await t.test('paused: says so, and counts what waits', async (t) => {
    const { page, program, told, broke } = await open({ recording: false })
    await headline(page, 'Taking over from the app is paused.')
    await put(app.query, 'a')
    await put(app.query, 'b')
    await told('2 changes are not yet taken over from the app.')
    await told(/^Paused since \d\d:\d\d: nothing is taken over/)
    await headline(page, '2 changes are not yet taken over from the app.')
    t.match(await page.innerText('.top'), '2 still in the app')
    t.same(broke, [])
    await program.close()
  })

  await t.test('reading: all is taken over; a row that is no change is told by its number and code', async (t) => {
    const { page, program, told, broke } = await open({})
    await headline(page, '2 changes are safe on this laptop. Nobody else has them yet.')
    await told('All that the app has saved is taken over.')
    await put(app.query, 'bad', { pk: '7', fields: '{' })
    await put(app.query, 'behind', { pk: '7', action: 'update' })
    await told(/^Row 3: CHANGE_INVALID: fields: not JSON/)
    await headline(page, 'One change is not yet taken over from the app.')
    await app.query("UPDATE waybill_outbox SET fields = '{}', taken = 0 WHERE taken = 2")
    await headline(page, '4 changes are safe on this laptop. Nobody else has them yet.')
    await told('All that the app has saved is taken over.')
    await app.query('ALTER TABLE waybill_outbox RENAME TO elsewhere')
    await told('How many changes wait there is not known now.')
    await told(/has not let itself be read since/)
    t.same(broke, [])
    await program.close()
  })
})
