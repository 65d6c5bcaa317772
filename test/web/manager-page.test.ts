import { readFileSync } from 'node:fs'
import { parse } from 'csv-parse/sync'
import type { Page } from 'playwright-core'
import t from 'tap'
import { brokenRules, headline, isTooWide, noBrowser, openBrowser, sizes } from '../fixtures/browser.ts'
import { hostile, ManagerDay } from '../fixtures/manager-day.ts'

t.setTimeout(600_000)

const part = (page: Page, name: string) => page.locator('nav.parts a', { hasText: name }).first().click()

t.test('the people’s page', { skip: noBrowser }, async (t) => {
  const browser = await openBrowser()
  t.teardown(() => browser.close())
  const day = await ManagerDay.start(t)

  await t.test('signing in: wrong, right, out, locked; nothing secret in any address', async (t) => {
    const { page, asked, broke, context } = await day.person(browser, '')
    // As soon as the form is drawn, which may be a moment later.
    await page.locator('#name').waitFor()
    t.equal(await page.evaluate('document.activeElement.id'), 'name', 'a person may type at once')
    t.same(await brokenRules(page), [])
    await day.signIn(page, 'Naledi', 'not the password at all')
    await page.getByRole('alert').filter({ hasText: 'the name or the password is wrong' }).waitFor()
    await day.signIn(page, 'Naledi')
    await headline(page, /not clear yet/)
    await page.reload()
    await headline(page, /not clear yet/)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByText('You are signed out.').waitFor()
    t.equal(await page.evaluate("sessionStorage.getItem('bearer')"), null)
    for (let count = 0; count < 5; count++) {
      await day.signIn(page, 'Neo', 'not the password at all')
      await page.getByRole('alert').waitFor()
      await page.waitForFunction("document.querySelector('#password').value !== ''")
      await page.waitForTimeout(0)
    }
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page
      .getByRole('alert')
      .filter({ hasText: /wrong 5 times: wait \d+ s/ })
      .waitFor({ timeout: 20_000 })
    t.same(
      asked.filter(
        (url) =>
          !url.startsWith(day.address) ||
          /password|bearer|four/i.test(url.slice(day.address.length).replace('v1/manager/', '')),
      ),
      [],
    )
    t.same(broke, [])
    await context.close()
  })

  await t.test('the board, a loss report, the days: live, on each size, in dark', async (t) => {
    const { page, broke, context } = await day.person(browser, 'Rra Molefe', { colorScheme: 'dark' })
    await headline(page, 'One of 2 laptops is not clear yet.')
    const row = page.locator('.peers > li', { hasText: 'lap-01' })
    t.match(
      await row.innerText(),
      /Not all is here\s+Up to 31 changes since .* are not here\. 31 changes were not packed yet\./,
    )
    t.match(await page.locator('.peers > li', { hasText: 'lap-02' }).innerText(), /✓ Clear/)
    t.same(await page.locator('nav.parts a').allInnerTexts(), ['Check-in', 'Missing by day', 'My account'])
    await row.getByRole('link').click()
    await headline(page, /^lap-01: Up to 31 changes since/)
    t.match(await page.locator('main').innerText(), /nobody has told of it/)
    for (const [name, size] of Object.entries(sizes)) {
      await page.setViewportSize(size)
      t.equal(await isTooWide(page), false, name)
    }
    await part(page, 'Missing by day')
    await page.locator('table.days').waitFor()
    t.equal(await isTooWide(page), false)
    t.same(await brokenRules(page), [])
    t.same(broke, [])
    await context.close()
  })

  await t.test('a reader has no way to a record, whatever the address says', async (t) => {
    const { page, context } = await day.person(browser, 'Rra Molefe')
    for (const hash of ['records', 'record/1', 'conflict/1', 'aside', 'devices', 'log']) {
      await page.evaluate(`location.hash = '${hash}'`)
      await page.getByRole('alert').filter({ hasText: 'NOT_ALLOWED' }).waitFor()
      t.notMatch(await page.locator('main').innerText(), /077-0001|61\.5/, hash)
    }
    await context.close()
    const lab = await day.person(browser, 'Kagiso')
    await part(lab.page, 'Waiting')
    await lab.page.getByText('CHANGE_UNAPPLICABLE').waitFor()
    t.equal(
      await lab.page.getByRole('button', { name: /Discard|What it says/ }).count(),
      0,
      'the lab looks, and no more',
    )
    await lab.context.close()
  })

  await t.test(
    'a record: found by natural key with keys alone, hidden fields stay hidden, hostile text is text',
    async (t) => {
      const { page, broke, context } = await day.person(browser, 'Mma Sebina')
      await part(page, 'Records')
      await page.locator('#key-0').focus()
      await page.keyboard.type('077-0001')
      await page.keyboard.press('Enter')
      await page.locator('#found').waitFor()
      await page.locator('#found ~ ul a').focus()
      await page.keyboard.press('Enter')
      await headline(page, 'Subject: 077-0001')
      await page.getByRole('button', { name: 'Its history, with all that names it' }).press('Enter')
      await page.getByRole('heading', { name: 'History of Visit 077-0001 · 1000' }).waitFor()
      const text = await page.locator('main').innerText()
      t.ok(text.includes(hostile), 'as it was recorded')
      t.match(text, /One field is not shown/)
      t.notMatch(text, /initials|XY|ZZ/)
      t.notMatch(new URL(page.url()).hash, /077/)
      t.same(await brokenRules(page), [])
      await page.emulateMedia({ media: 'print' })
      t.equal(await page.locator('nav.parts').first().isVisible(), false, 'paper needs no buttons')
      t.equal(await page.getByText('As it was known here on').isVisible(), true)
      t.same(broke, [], 'nothing ran that should not')
      await context.close()
      const acts = day.server.sql<{ act: string; who: string; about: string }>(
        "SELECT act, who, about FROM acts WHERE who = 'Mma Sebina'",
      )
      t.match(acts.slice(1), [
        { act: 'search', about: 'model clinic.subject' },
        { act: 'view', about: 'record clinic.subject pk-s1' },
        { act: 'history', about: 'record clinic.subject pk-s1' },
        { act: 'history', about: 'record clinic.visit visit-1' },
      ])
      t.notMatch(JSON.stringify(acts), /077-0001/)
    },
  )

  await t.test('CSV: what was recorded, quoted so that nothing computes', async (t) => {
    const { page, context } = await day.person(browser, 'Naledi')
    await part(page, 'Records')
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download as CSV' }).click(),
    ])
    const rows: Array<Record<string, string>> = parse(readFileSync(await file.path(), 'utf8'), { columns: true })
    t.equal(rows.length, 33)
    const row = rows.find(({ pk }) => pk === 'pk-s1')
    t.equal(row?.['fields.remark'], hostile)
    t.equal(row?.['fields.weight'], '61.5')
    t.notOk(
      Object.keys(row ?? {}).some((name) => name.includes('initials')),
      'hidden there too',
    )
    await page.getByText('records.csv was handed to the browser.').waitFor()
    await context.close()
  })

  await t.test('two managers resolve one conflict: the second is told, and nothing of theirs is done', async (t) => {
    const [one, two] = [await day.person(browser, 'Naledi'), await day.person(browser, 'Naledi')]
    for (const { page } of [one, two]) {
      await part(page, 'Conflicts')
      await page.locator('#conflicts ~ ul a').first().click()
      await page.locator('table.sides').waitFor()
    }
    t.same(await one.page.locator('tr.differs th').allTextContents(), [
      'remark (not the same)',
      'weight (not the same)',
    ])
    t.same(await brokenRules(one.page), [])
    await one.page.getByRole('button', { name: 'Choose this one' }).click()
    await one.page.getByLabel('weight').fill('65.5')
    for (const { page } of [one, two]) await page.getByLabel('Why; it is signed with your name').fill('weighed again')
    await one.page.getByRole('button', { name: 'This is right' }).click()
    await headline(one.page, 'No record contradicts itself.')
    await two.page.getByRole('button', { name: 'This is right' }).click()
    await two.page
      .getByRole('alert')
      .filter({ hasText: /ALREADY_DECIDED|NOT_FOUND/ })
      .waitFor()
    await day.settled()
    t.equal(day.count('conflicts'), 0)
    await part(one.page, 'Records')
    await one.page.locator('#pk').fill('pk-s1')
    await one.page.keyboard.press('Enter')
    await one.page.locator('#found ~ ul a').click()
    await one.page.getByText('65.5').waitFor()
    t.match(await one.page.locator('main').innerText(), /measured again/)
    for (const { broke, context } of [one, two]) {
      t.same(broke, [])
      await context.close()
    }
  })

  await t.test('discarded with a reason, and taken back; merged, and parted', async (t) => {
    const { page, context } = await day.person(browser, 'Naledi')
    await part(page, 'Waiting')
    await page.getByRole('button', { name: /^Discard… visit-3/ }).click()
    await page.getByRole('button', { name: 'Discard it' }).click()
    t.equal(await page.getByText('That is decided').count(), 0, 'not without a reason')
    await page.getByLabel('Why; it is signed with your name').fill('a test visit')
    await page.keyboard.press('Enter')
    await page.locator('a', { hasText: 'Discarded (1)' }).waitFor({ timeout: 20_000 })
    await page.locator('a', { hasText: 'Discarded (1)' }).click()
    await page.getByRole('button', { name: /^Let it count again… visit-3/ }).waitFor()
    await part(page, 'Duplicates')
    await page.getByRole('button', { name: /^They are one/ }).click()
    await page.getByLabel('Why; it is signed with your name').fill('one person')
    await page.keyboard.press('Enter')
    await headline(page, 'No natural key is borne by two records.')
    await day.settled()
    await part(page, 'Check-in')
    await part(page, 'Duplicates')
    await page.getByRole('button', { name: /^Take it back/ }).waitFor()
    t.same(await brokenRules(page), [])
    await context.close()
    t.match(
      day.server.sql(
        "SELECT who, act, reason FROM acts WHERE act IN ('resolve', 'discard', 'merge') ORDER BY position",
      ),
      [
        { who: 'Naledi', act: 'resolve', reason: 'weighed again' },
        { who: 'Naledi', act: 'discard', reason: 'a test visit' },
        { who: 'Naledi', act: 'merge', reason: 'one person' },
      ],
    )
  })

  await t.test('devices: a code once, a revocation with its warning; people; the log', async (t) => {
    const { page, context, broke } = await day.person(browser, 'Naledi')
    await part(page, 'Devices')
    await page.locator('#name').fill('lap-09')
    await page.getByRole('button', { name: 'Make a one-time code' }).click()
    const code = await page.locator('p.code').innerText()
    t.match(code, /^waybill1\./)
    t.notMatch(JSON.stringify(day.server.sql('SELECT * FROM acts')), new RegExp(code.slice(-20)), 'the log has no code')
    t.same(await brokenRules(page), [])
    await page.getByRole('button', { name: 'Revoke… lap-02' }).click()
    t.match(await page.locator('.warning').innerText(), /cannot be undone/)
    await page.getByLabel('Why, for all who read the study configuration').fill('stolen')
    await page.keyboard.press('Enter')
    await page.getByText('Revoked: stolen').waitFor()
    await part(page, 'People')
    await page.locator('#code').waitFor({ state: 'detached' })
    for (const [field, value] of [
      ['name', 'Thabo'],
      ['role', 'driver'],
      ['id', 'thabo'],
    ] as const)
      await page.locator(`#${field}`).fill(value)
    await page.keyboard.press('Enter')
    await page.getByText(/^Study configuration \d+ is published\.$/).waitFor()
    await part(page, 'Log')
    t.match(await page.locator('table').innerText(), /Naledi \(data manager\)\s+revoked a device/)
    t.same(await brokenRules(page), [])
    t.same(broke, [])
    await context.close()
  })

  await t.test('a page is below 150 KB, asks nobody else, and says when the server is silent', async (t) => {
    const { page, asked, context } = await day.person(browser, '')
    const bytes = await page.evaluate<number>(
      'performance.getEntries().reduce((sum, { transferSize = 0 }) => sum + transferSize, 0)',
    )
    t.ok(bytes > 20_000 && bytes < 150_000, `${bytes} bytes`)
    t.same(
      asked.filter((url) => !url.startsWith(day.address) && !url.startsWith('data:')),
      [],
    )
    await day.signIn(page, 'Naledi')
    await day.server.stop()
    await page.locator('#stale').filter({ hasText: 'not up to date since' }).waitFor({ timeout: 20_000 })
    await context.close()
  })
})
