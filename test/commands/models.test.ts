import { writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { sampleChanges } from '../../demo/sample-data.ts'
import { studySettings } from '../../demo/study-settings.ts'
import { until } from '../fixtures/until.ts'
import { Desk } from './desk.ts'
import { DeskStudy } from './desk-study.ts'

interface Row {
  model: string
  registered: boolean
  offline: boolean
  counts: Record<string, number>
}

function deskWith(t: Test, files: Record<string, unknown>): Desk {
  const desk = new Desk(t)
  for (const [name, content] of Object.entries(files))
    writeFileSync(desk.path(name), typeof content === 'string' ? content : JSON.stringify(content))
  return desk
}

const lines = (changes: Iterable<unknown>) => [...changes].map((change) => `${JSON.stringify(change)}\n`)
const sample = [...sampleChanges('lap-01', 'mochudi', 40)]
const { models } = studySettings

t.test(
  'models check: the settings, the registry alone, and TOML; what is wrong is told by field, and ends with 1',
  async (t) => {
    const broken = { 'clinic.visit': { naturalKey: ['id'], dependsOn: { subject: 'clinic.subject' } } }
    const desk = deskWith(t, {
      'study.json': studySettings,
      'registry.json': { models },
      'registry.toml': '[models."clinic.visit"]\nnaturalKey = ["id"]\n',
      'broken.json': { models: broken },
      'two.json': { models: {}, name: 'x' },
      'none.json': '{"models": ',
    })
    for (const file of ['study.json', 'registry.json', 'registry.toml'])
      t.match(await desk.do(['models', 'check', desk.path(file)]), /^nothing is wrong\n$/, file)
    t.match(await desk.run(['models', 'check', desk.path('broken.json')]), {
      code: 1,
      out: '/models/clinic.visit/dependsOn/subject: there is no model clinic.subject here\n1 wrong\n',
      err: '',
    })
    const told = await desk.run(['models', 'check', desk.path('broken.json'), '--json'])
    t.match(
      [told.code, JSON.parse(told.out)],
      [1, { wrong: [{ field: '/models/clinic.visit/dependsOn/subject' }], unseen: [] }],
    )
    t.match(
      (await desk.run(['models', 'check', desk.path('two.json')])).out,
      /\/sites: /,
      'more than a registry is settings',
    )
    await desk.refused(['models', 'check', desk.path('none.json')], 'STUDY_DOCUMENT_INVALID', /none\.json/)
    await desk.refused(['models', 'check', desk.path('gone.json')], 'BAD_ARGUMENT', /no such file/)
  },
)

t.test('models check --samples: recorded lines, what waybill changes prints, and what dumpdata writes', async (t) => {
  const misspelt = structuredClone(models)
  misspelt['bhp_lab.subjectrequisition'].requisition.panel = 'panel_nam'
  const dump = sample.map(({ model, pk, fields }) => ({ model, pk, fields }))
  const desk = deskWith(t, {
    'registry.json': { models },
    'misspelt.json': { models: misspelt },
    'changes.ndjson': lines(sample).join(''),
    'feed.ndjson': lines(sample.map((change, at) => ({ change, producer: 'x', batch: 'y', cursor: `1-2.${at}` }))).join(
      '',
    ),
    'visits.ndjson': lines(sample.filter(({ model }) => model.endsWith('visit'))).join(''),
    'dump.json': JSON.stringify(dump),
    'bad.ndjson': `${lines(sample.slice(0, 2)).join('')}{"model": 7}\n`,
  })
  const check = (registry: string, samples: string) =>
    desk.run(['models', 'check', desk.path(registry), '--samples', desk.path(samples), '--json'])
  for (const samples of ['changes.ndjson', 'feed.ndjson'])
    t.match(await check('registry.json', samples), { code: 0, out: '{"wrong":[],"unseen":[]}\n' }, samples)
  const wrong = await check('misspelt.json', 'feed.ndjson')
  t.match(JSON.parse(wrong.out).wrong, [
    { field: '/models/bhp_lab.subjectrequisition/requisition/panel', what: /^panel_nam is in none of the \d+ changes/ },
  ])
  const unseen = JSON.parse((await check('registry.json', 'visits.ndjson')).out).unseen
  t.same(unseen, ['bhp_subject.vitals', 'bhp_subject.adherence', 'bhp_lab.subjectrequisition'])
  t.match(
    JSON.parse((await check('registry.json', 'dump.json')).out).wrong[0].what,
    /the key of change dumpdata-\w+ has 0 parts/,
  )
  const args = ['models', 'check', desk.path('registry.json'), '--samples']
  await desk.refused([...args, desk.path('bad.ndjson')], 'CHANGE_INVALID', /bad\.ndjson, change 3: \//)
  await desk.refused([...args, desk.path('gone')], 'BAD_ARGUMENT', /no such file/)
})

async function port(study: DeskStudy): Promise<number | undefined> {
  return (await study.desk.json<{ ports: Record<string, number> }>(['status', '--data', study.home('server')])).ports
    .port
}

t.test('models list: on a server and on a laptop, registered or only seen', async (t) => {
  const study = await DeskStudy.begin(t)
  const { desk } = study
  writeFileSync(
    desk.path('study.json'),
    JSON.stringify({ ...studySettings, models: { ...models, 'auth.user': { offline: false } } }),
  )
  await desk.do(['study', 'publish', desk.path('study.json'), '--data', study.home('server')])
  const strange = { id: 'x1', model: 'clinic.strange', action: 'insert', pk: '1', fields: { secret: 'SEEN-NOWHERE' } }
  const historical = { ...strange, id: 'x2', model: 'clinic.historicalvisit' }
  await desk.do(['record', '--data', study.home('lap-01')], { input: lines([...sample, strange, historical]) })
  const list = async (home: string, ...more: string[]) =>
    (await desk.json<{ models: Row[] }>(['models', 'list', '--data', study.home(home), ...more])).models
  const onLaptop = await list('lap-01')
  t.match(
    onLaptop.find(({ model }) => model === 'clinic.strange'),
    { registered: false, offline: false, counts: { notSealed: 1 } },
  )
  const counted = onLaptop.reduce((sum, { counts }) => sum + (counts.notSealed ?? 0), 0)
  t.equal(counted, sample.length + 2, 'every change that is not sealed is counted once')
  const names = async (...more: string[]) => (await list('lap-01', ...more)).map(({ model }) => model)
  t.same(await names('--app', 'clinic'), ['clinic.historicalvisit', 'clinic.strange'])
  t.same(await names('--app', 'clinic', '--no-historical'), ['clinic.strange'])
  t.notOk((await names('--offline')).includes('clinic.strange'))
  t.same(await names('--app', 'cli'), [], 'an app is not the beginning of a name')
  const words = await desk.do(['models', 'list', '--data', study.home('lap-01')])
  t.match(words, /clinic\.strange +not registered/)
  t.match(words, /keeps no model: only what is not sealed yet is counted/)
  t.notMatch(words, /SEEN-NOWHERE/)
  t.match(await list('server', '--app', 'auth'), [{ model: 'auth.user', registered: true, offline: false }])
  await study.start('daemon', 'lap-01', ['--servers', `127.0.0.1:${await port(study)}`])
  const isCounted = async () =>
    (await list('server')).some(({ model, counts }) => model === 'clinic.strange' && counts.held === 1)
  await until('what the laptop pushed is held under its name', isCounted)
  t.match(await list('server', '--app', 'bhp_lab'), [{ registered: true, counts: { held: 0, quarantined: 0 } }])
  const check = ['models', 'check', desk.path('study.json'), '--data', study.home('server')]
  t.match(
    await desk.do(check),
    /nothing is said of their fields: auth\.user\nnothing is wrong\n$/,
    'as the app really is',
  )
  await desk.refused(['models', 'list', '--data', study.home('driver')], 'ROLE_REFUSED', /relay can read no change/)
  await desk.refused(['models', 'list', '--offline', '--not-offline'], 'BAD_ARGUMENT', /cannot be used with/)
  await study.stop()
})
