import fc from 'fast-check'
import t from 'tap'
import { publishSettings } from '../../server/publish-settings.ts'
import { systemClock } from '../../shared/service/clock.ts'
import { keylessModels, type Models, modelProblems } from '../../study/check-models.ts'
import { tellProblem } from '../../study/problem.ts'
import { checkSettings, defaultSettings, registryProblems, settingsProblems } from '../../study/settings.ts'
import { refused, TestServer } from '../fixtures/server-run.ts'
import { foundTestStudy } from '../fixtures/study.ts'

const whole: Models = {
  'clinic.subject': { naturalKey: ['identifier'], hidden: ['initials', 'dob'] },
  'clinic.visit': {
    naturalKey: ['subject__identifier', 'code'],
    dependsOn: { subject: 'clinic.subject', previous: 'clinic.visit' },
  },
  'clinic.historicalvisit': { naturalKey: ['history_id'] },
  'auth.user': { offline: false },
  'opaque.tx': { naturalKey: [] },
}
const wrong = (models: unknown) => registryProblems({ models }).map(tellProblem)
const withVisit = (more: object) => ({ ...whole, 'clinic.visit': { ...whole['clinic.visit'], ...more } })

t.test('a registry that contradicts nothing; a model may depend on itself', async (t) => {
  t.same(wrong(whole), [])
  t.same(wrong({}), [])
  t.same(settingsProblems({ ...defaultSettings('A study'), models: whole }), [])
})

t.test('a natural key that is not named is told, and refused by nobody', async (t) => {
  const keyless = {
    ...whole,
    'clinic.visit': { requisition: { identifier: 'label' } },
    'auth.group': { offline: false },
  }
  t.same(keylessModels(keyless).map(tellProblem), [
    '/models/clinic.visit/naturalKey: missing: the fields that make its natural key, in order, or [] where it has none',
  ])
  t.same(keylessModels(whole), [])
  t.same(wrong(keyless), [])
  t.doesNotThrow(() => checkSettings({ ...defaultSettings('A study'), models: keyless }))
})

t.test('each wrong field is named', async (t) => {
  const cases: Array<[object, RegExp]> = [
    [{ naturalKey: ['code', 'at', 'code'] }, /^\/models\/clinic\.visit\/naturalKey: code is there twice$/],
    [{ naturalKey: ['__proto__'] }, /naturalKey: no field can be called "__proto__"/],
    [{ naturalKey: ['a\nb'] }, /naturalKey: no field can be called "a\\nb"/],
    [{ naturalKey: [''] }, /\/naturalKey\/0: /],
    [
      { dependsOn: { subject: 'clinic.subjct' } },
      /^\/models\/clinic\.visit\/dependsOn\/subject: there is no model clinic\.subjct here$/,
    ],
    [{ dependsOn: { user: 'auth.user' } }, /dependsOn\/user: auth\.user is not for offline use.*for ever/],
    [{ dependsOn: { x: 'constructor' } }, /there is no model constructor here/],
    [JSON.parse('{"dependsOn": {"__proto__": "clinic.subject"}}'), /dependsOn\/__proto__: no field can be called so/],
    [{ dependsOn: { 'a\nb': { not: 'text' } } }, /no field can be called so/],
    [{ hidden: ['code'] }, /^\/models\/clinic\.visit\/hidden: code is part of the natural key, which is always shown$/],
    [{ hidden: ['dob', 'dob'] }, /hidden: dob is there twice/],
    [{ hidden: ['label'], requisition: { identifier: 'label' } }, /requisition\/identifier: label is hidden/],
    [{ naturalkey: ['code'] }, /^\/models\/clinic\.visit\/naturalkey: not a setting$/],
    [{ requisition: { identifier: 'x', colour: 'y' } }, /requisition\/colour/],
    [{ offline: 'no' }, /\/models\/clinic\.visit\/offline/],
  ]
  for (const [more, message] of cases) {
    const told = wrong(withVisit(more))
    t.equal(told.length, 1, `${JSON.stringify(more)}: ${told.join('; ')}`)
    t.match(told[0], message)
  }
})

t.test('names that no model can have, or that are the own ones of a server', async (t) => {
  for (const label of ['', 'a b', 'a.', '.a', 'a-b', 'a\nb', 'x'.repeat(201), 'constructor', 'toString', '__proto__']) {
    const models = JSON.parse(`{${JSON.stringify(label)}: null}`)
    t.not(wrong(models).length, 0, `${JSON.stringify(label)}, with nothing under it`)
    const told = wrong(JSON.parse(`{${JSON.stringify(label)}: {"naturalKey": []}}`))
    t.match(told, [/^\/models\//], `${JSON.stringify(label)}: ${told.join('; ')}`)
  }
  for (const label of ['waybill', 'waybill.discard', 'waybill.anything.else'])
    t.match(wrong({ [label]: { naturalKey: [] } }), [/decisions of the server/])
  t.same(wrong({ waybillx: { naturalKey: [] } }), [])
})

t.test('a cycle is named in full, by its first model; two circles are two', async (t) => {
  const on = (...parents: string[]) => ({
    naturalKey: [],
    dependsOn: Object.fromEntries(parents.map((p, at) => [`f${at}`, p])),
  })
  t.same(wrong({ a: on('b'), b: on('c'), c: on('a') }), ['/models/a/dependsOn: a cycle: a -> b -> c -> a'])
  const two = { top: on('a'), a: on('b'), b: on('a'), x: on('y', 'free'), y: on('x'), free: on() }
  t.same(wrong(two), ['/models/a/dependsOn: a cycle: a -> b -> a', '/models/x/dependsOn: a cycle: x -> y -> x'])
})

t.test('property: a cycle is told if and only if there is one, and it is one', async () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  const edges = fc.array(fc.tuple(fc.constantFrom(...names), fc.constantFrom(...names)), { maxLength: 12 })
  fc.assert(
    fc.property(edges, (pairs) => {
      const models: Models = Object.fromEntries(names.map((name) => [name, { naturalKey: [], dependsOn: {} }]))
      for (const [at, [child, parent]] of pairs.entries())
        Object.assign(models[child]?.dependsOn ?? {}, { [`f${at}`]: parent })
      const told = modelProblems(models)
      for (const { what } of told) {
        const path = what.replace('a cycle: ', '').split(' -> ')
        if (path.length < 3 || path[0] !== path.at(-1)) return false
        for (let at = 1; at < path.length; at += 1)
          if (!pairs.some(([child, parent]) => child === path[at - 1] && parent === path[at])) return false
      }
      return told.length > 0 === hasCycle(pairs)
    }),
    { numRuns: 500 },
  )
})

/** Told naively: some name reaches itself through others. */
function hasCycle(pairs: Array<[string, string]>): boolean {
  const reach = new Set(pairs.filter(([a, b]) => a !== b).map((pair) => pair.join()))
  for (let before = -1; before !== reach.size; ) {
    before = reach.size
    for (const ab of [...reach]) for (const bc of [...reach]) if (ab[2] === bc[0]) reach.add(`${ab[0]},${bc[2]}`)
  }
  return [...reach].some((pair) => pair[0] === pair[2])
}

t.test('10,000 models: one deep chain, one broad family, one circle of all', async (t) => {
  const many = Array.from({ length: 10_000 }, (_, at) => `app.model${at}`)
  const registry = (parents: (at: number) => string | undefined) =>
    Object.fromEntries(
      many.map((label, at) => {
        const parent = parents(at)
        return [label, { naturalKey: ['id'], dependsOn: parent === undefined ? {} : { parent } }]
      }),
    )
  const begun = process.cpuUsage()
  t.same(wrong(registry((at) => many[at + 1])), [])
  t.same(wrong(registry((at) => (at === 0 ? undefined : many[0]))), [])
  const [circle] = wrong(registry((at) => many[(at + 1) % many.length]))
  t.equal(circle?.split(' -> ').length, 10_001)
  t.ok(process.cpuUsage(begun).user < 5_000_000, 'and takes no square of them')
})

t.test('publishing refuses what the check refuses, and what no node could read, before it is signed', async (t) => {
  const study = await foundTestStudy()
  t.teardown(() => study.dispose())
  const server = await TestServer.start(t, study.server)
  const publish = (models: object) =>
    server.opened((opened) =>
      publishSettings({ ...opened, clock: systemClock }, { ...defaultSettings('A study'), models }),
    )
  await refused(t, publish(withVisit({ dependsOn: { x: 'gone' } })), 'STUDY_DOCUMENT_INVALID', 'an unknown parent')
  const label = 'l'.repeat(200)
  const hidden = Array.from({ length: 100 }, (_, at) => `${at}${'h'.repeat(150)}`)
  const huge = Object.fromEntries(
    Array.from({ length: 600 }, (_, at) => [`app.model${at}`, { label, naturalKey: [], hidden }]),
  )
  const error = await refused(t, publish(huge), 'STUDY_DOCUMENT_INVALID', 'more than a study document holds')
  t.match(error.message, /larger than 8388608 bytes/)
  await refused(
    t,
    publish({ 'a.b': { label: '\ud800', naturalKey: [] } }),
    'STUDY_DOCUMENT_INVALID',
    'half a character',
  )
  await server.stop()
  await server.start()
  t.equal((await server.status()).studyVersion, 1, 'the server starts again, under the version that it had')
  await publish(whole)
  t.equal((await server.status()).studyVersion, 2)
})
