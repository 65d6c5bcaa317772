import t from 'tap'
import type { Models } from '../../study/check-models.ts'
import { tellProblem } from '../../study/problem.ts'
import { RegistrySamples, type SampleChange } from '../../study/registry-samples.ts'

const models: Models = {
  'clinic.subject': { naturalKey: ['identifier'] },
  'clinic.visit': {
    ...{ naturalKey: ['subject__identifier', 'code'], dependsOn: { subject: 'clinic.subject' }, hidden: ['initials'] },
    requisition: { identifier: 'tube', panel: 'panel', stabilityMinutes: 240 },
  },
}
const visit: SampleChange = {
  ...{ id: 'v1', model: 'clinic.visit', action: 'insert', naturalKey: ['s1', '1000'] },
  fields: { subject: ['s1'], code: '1000', initials: 'AB', tube: null, panel: 'CD4' },
}
const compare = (...changes: SampleChange[]) => {
  const samples = new RegistrySamples(models)
  for (const change of changes) samples.take(change)
  return { told: samples.problems().map(tellProblem), unseen: samples.unseen() }
}
const without = (field: string) => ({ ...visit, fields: { ...visit.fields, [field]: undefined } })

t.test('what fits, and models of which nothing was looked at', async (t) => {
  t.same(compare(visit), { told: [], unseen: ['clinic.subject'] })
  t.same(compare(), { told: [], unseen: ['clinic.subject', 'clinic.visit'] })
  t.same(compare({ ...visit, model: 'other.thing' }).unseen, ['clinic.subject', 'clinic.visit'])
})

t.test('a field that no change has, wherever the registry names it', async (t) => {
  for (const [field, place] of Object.entries({
    ...{ panel: 'requisition/panel', tube: 'requisition/identifier', initials: 'hidden', code: 'naturalKey' },
  })) {
    const { [field]: _, ...fields } = visit.fields
    const told = compare({ ...visit, fields }).told
    t.match(told, [`/models/clinic.visit/${place}: ${field} is in none of the 1 changes`], field)
    t.same(compare({ ...visit, fields }, visit).told, [], `${field}: one change that has it is enough`)
  }
  const { subject: _, ...fields } = visit.fields
  t.match(
    compare({ ...visit, fields }).told,
    [/naturalKey: subject is/, /dependsOn\/subject: subject is/],
    'told at both places',
  )
  t.same(compare(without('panel')).told, [], 'a field that is there and undefined is there')
})

t.test(
  'what says nothing of fields: a delete without them, what travels opaque, a name that objects inherit',
  async (t) => {
    t.same(compare({ ...visit, action: 'delete', fields: {} }).unseen, ['clinic.subject', 'clinic.visit'])
    t.same(compare({ ...visit, opaque: 'x', fields: {} }).unseen, ['clinic.subject', 'clinic.visit'])
    const odd = new RegistrySamples({ 'a.b': { naturalKey: ['valueOf'] } })
    odd.take({ ...visit, model: 'a.b', naturalKey: ['1'], fields: { x: 1 } })
    t.match(odd.problems(), [{ what: /valueOf is in none/ }])
  },
)

t.test(
  'keys with another number of parts, and parents that are none, with the first change that shows it',
  async (t) => {
    const short = { ...visit, id: 'v2', naturalKey: ['s1'] }
    t.same(compare(visit, short, { ...short, id: 'v3' }).told, [
      '/models/clinic.visit/naturalKey: 2 fields, and the key of change v2 has 1 parts',
    ])
    const odd = { ...visit, id: 'v4', fields: { ...visit.fields, subject: { id: 1 } } }
    t.same(compare(odd).told, [
      '/models/clinic.visit/dependsOn/subject: subject of change v4 is neither a natural key nor a primary key',
    ])
    for (const subject of [null, 'pk', 7, ['s1'], [['s1'], ['s2']]])
      t.same(compare({ ...visit, fields: { ...visit.fields, subject } }).told, [], JSON.stringify(subject))
  },
)
