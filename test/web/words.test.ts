import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import t from 'tap'
import { errorCodes } from '../../shared/service/errors.ts'
import { english } from '../../shared/web/messages/en.ts'
import { handoverEnglish } from '../../shared/web/messages/handover-en.ts'
import { managerEnglish } from '../../shared/web/messages/manager-en.ts'
import { managerSetswana } from '../../shared/web/messages/manager-tn.ts'
import { setswana } from '../../shared/web/messages/tn.ts'
import { launchOf, noBrowser, openBrowser, openWindow } from '../fixtures/browser.ts'
import { startLaptop } from '../fixtures/programs.ts'
import { foundTestStudy } from '../fixtures/study.ts'

const root = join(import.meta.dirname, '../..')
const assets = join(root, 'shared/web/assets')
const pages = ['daemon/web', 'relay/web', 'server/web', 'server/web/manager'].map((folder) => join(root, folder))
const scripts = [assets, ...pages].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.js'))
    .map((name) => join(folder, name)),
)
const source = scripts.map((path) => readFileSync(path, 'utf8')).join('\n')
/** Sentences are told apart by their key; the forms of one sentence are one. */
const all: Record<string, string> = { ...english, ...managerEnglish }
const keys = new Set(Object.keys(all).map((key) => key.replace(/\.(one|other)$/, '')))

t.test('every sentence that a page asks for is there, and every one that is there is asked for', async (t) => {
  const named = new Set([...source.matchAll(/'([a-z]+(?:\.\w+)+)'/g)].map(([, key = '']) => key))
  const woven = [...source.matchAll(/`([a-z]+\.[\w.]*\$\{[^`\s]*)`/g)].map(([, key = '']) => patternOf(key))
  t.same(
    [...named].filter((key) => !keys.has(key)),
    [],
  )
  t.same(
    [...keys].filter((key) => !named.has(key) && !woven.some((pattern) => pattern.test(key))),
    [],
  )
  t.ok(named.size > 50 && woven.length > 5, 'the pages were read')
})

/** Every key that a template such as `role.${role}` may become. */
function patternOf(template: string): RegExp {
  const parts = template.split(/\$\{[^}]*\}/).map((part) => part.replaceAll('.', '\\.'))
  return new RegExp(`^${parts.join('.+')}$`)
}

t.test('every error code has something to do about it, without our own words for things', async (t) => {
  for (const code of Object.keys(errorCodes)) t.ok(english[`hint.${code}`], code)
  const told = Object.entries(all).filter(([key]) => !key.startsWith('hint.'))
  for (const word of [
    'batch',
    'sync',
    'upload',
    'queue',
    'payload',
    'manifest',
    'custody',
    'error',
    'failed',
    'invalid',
  ])
    t.same(
      told.filter(([, text]) => new RegExp(`\\b${word}`, 'i').test(text)),
      [],
      word,
    )
})

t.test('Setswana says what English says: the same keys, with the same places in them', async (t) => {
  const placesOf = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([place]) => place).sort()
  const [words, others]: Record<string, string>[] = [
    { ...handoverEnglish, ...managerEnglish },
    { ...setswana, ...managerSetswana },
  ]
  t.same(Object.keys(others ?? {}).sort(), Object.keys(words ?? {}).sort())
  for (const [key, text] of Object.entries(words ?? {})) {
    const other = others?.[key] ?? ''
    const isForm = /\.(one|other)$/.test(key)
    // "One label" needs no {count}; no form may ask for a place that nobody fills.
    const allowed = isForm ? placesOf(formsOf(key)) : placesOf(text)
    t.ok(
      placesOf(other).every((place) => allowed.includes(place)),
      key,
    )
    if (!isForm) t.same(placesOf(other), placesOf(text), key)
    t.not(other, text, `${key} is translated`)
  }
})

function formsOf(key: string): string {
  const words: Record<string, string> = { ...handoverEnglish, ...managerEnglish }
  return ['one', 'other'].map((form) => words[key.replace(/(one|other)$/, form)]).join(' ')
}

t.test('nobody can choose words that nobody has reviewed: no setting, no command, no program names them', async (t) => {
  const programs = ['daemon', 'relay', 'server', 'commands', 'study'].flatMap((folder) =>
    typescriptIn(join(root, folder)),
  )
  t.same(
    programs.filter((path) => /unreviewed|messages\/tn|setswana/i.test(readFileSync(path, 'utf8'))),
    [],
  )
  t.ok(programs.length > 50, 'the programs were read')
})

function typescriptIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name))
}

t.test('nothing that came from outside can become markup', async (t) => {
  t.notMatch(
    source,
    /innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|\beval\b/,
  )
})

t.test('times are counted by the clock of the program, however wrong that is', { skip: noBrowser }, async (t) => {
  const browser = await openBrowser()
  const study = await foundTestStudy()
  const laptop = await study.enrol('field', 'lap-01')
  const program = await startLaptop(laptop)
  t.teardown(async () => {
    await browser.close()
    await program.close()
    study.dispose()
  })
  const { page } = await openWindow(browser, await launchOf(laptop.data, program.ports.pagePort))
  await page.getByRole('heading', { level: 1 }).waitFor()
  const now = '2003-05-04T10:00:30.000'
  t.equal(await ago(page, '2003-05-04T10:00:00.000', now), 'just now (10:00)')
  t.equal(await ago(page, '2003-05-04T09:59:00.000', now), '1 minute ago (09:59)')
  t.equal(await ago(page, '2003-05-04T09:55:00.000', now), '5 minutes ago (09:55)')
  t.equal(await ago(page, '2003-05-04T06:00:30.000', now), '4 hours ago (06:00)')
  t.equal(await ago(page, '2003-05-01T10:00:00.000', now), '3 days ago (1 May 2003, 10:00)')
  t.equal(
    await ago(page, '2026-11-24T09:00:00.000', now),
    '24 November 2026, 09:00, by a clock that was ahead of what it says now',
    'a clock that was set back gives no nonsense',
  )
})

function ago(page: Page, time: string, now: string): Promise<string> {
  return page.evaluate<string>(`import('/words.js').then((words) => words.ago('${time}', '${now}'))`)
}
