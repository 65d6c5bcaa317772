import type { StudySettings } from '../shared/protocol/study-document.ts'
import { mayBeVisible } from '../shared/specimens/never-visible.ts'
import { findCycles } from './find-cycles.ts'
import type { Problem } from './problem.ts'

export type Models = StudySettings['models']
type Model = Models[string]

const modelName = /^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$/
const longestModel = 200
/** What this server's own decisions are called. */
const reserved = /^waybill(\.|$)/

/**
 * What is wrong in a registry of models that is well-formed otherwise: what could never apply, or contradicts itself.
 * @returns one for each wrong field, in the order of the registry
 */
export function modelProblems(models: Models): Problem[] {
  const misnamed = Object.keys(models).flatMap(nameProblem)
  // Of what bears a name that cannot be, nothing was checked.
  if (misnamed.length > 0) return misnamed
  const problems = Object.entries(models).flatMap(([label, model]) => problemsOf(label, model, models))
  return [...problems, ...findCycles(models).map(cycleProblem)]
}

/**
 * Models for offline use that do not say what their natural key is. They may be published: whoever only reconciles tubes needs none, and
 * changes count as they come. But who names such a record as a parent is believed without a look at how many parts the key has.
 */
export function keylessModels(models: Models): Problem[] {
  const what = 'missing: the fields that make its natural key, in order, or [] where it has none'
  return Object.entries(models)
    .filter(([, model]) => isOffline(model) && !model.naturalKey)
    .map(([label]) => ({ field: `/models/${label}/naturalKey`, what }))
}

/** Whether laptops record it, as far as the registry says; a model is for offline use unless it is told otherwise. */
export function isOffline({ offline = true }: Model): boolean {
  return offline
}

function nameProblem(label: string): Problem[] {
  const field = `/models/${label}`
  if (!modelName.test(label) || label.length > longestModel || isInherited(label))
    return [{ field, what: 'no model can be called so; its name is made of letters, digits, _ and dots' }]
  return reserved.test(label) ? [{ field, what: 'models of waybill are decisions of the server' }] : []
}

/** A name that every object knows would be found in a registry where it is not. */
function isInherited(name: string): boolean {
  return name in Object.prototype
}

function problemsOf(label: string, model: Model, models: Models): Problem[] {
  const at = (field: string, problems: string[]) =>
    problems.map((what) => ({ field: `/models/${label}/${field}`, what }))
  return [
    ...at('naturalKey', twice(model.naturalKey ?? [])),
    ...dependencyProblems(label, model, models).map(([field, what]) => ({
      field: `/models/${label}/dependsOn/${field}`,
      what,
    })),
    ...at('hidden', hiddenProblems(model)),
    ...mappingProblems(model).map(([name, what]) => ({ field: `/models/${label}/requisition/${name}`, what })),
  ]
}

function dependencyProblems(label: string, { dependsOn = {} }: Model, models: Models): Array<[string, string]> {
  return Object.entries(dependsOn).flatMap(([field, parent]): Array<[string, string]> => {
    if (!isField(field) || typeof parent !== 'string') return [[field, 'no field can be called so']]
    const known = Object.hasOwn(models, parent) ? models[parent] : undefined
    if (!known) return [[field, `there is no model ${parent} here`]]
    if (parent === label || isOffline(known)) return []
    return [[field, `${parent} is not for offline use: none of it arrives, and what depends on it would wait for ever`]]
  })
}

function hiddenProblems({ hidden = [], naturalKey = [] }: Model): string[] {
  const shown = hidden.filter((field) => naturalKey.includes(field))
  return [...twice(hidden), ...shown.map((field) => `${field} is part of the natural key, which is always shown`)]
}

function mappingProblems({ requisition, hidden = [] }: Model): Array<[string, string]> {
  return Object.entries(requisition ?? {}).flatMap(([name, field]): Array<[string, string]> => {
    if (typeof field !== 'string') return []
    if (!mayBeVisible(field)) return [[name, `${field} must not be readable on the way`]]
    return hidden.includes(field) ? [[name, `${field} is hidden, and would be readable on the way`]] : []
  })
}

function cycleProblem(cycle: string[]): Problem {
  return { field: `/models/${cycle[0]}/dependsOn`, what: `a cycle: ${[...cycle, cycle[0]].join(' -> ')}` }
}

function twice(fields: string[]): string[] {
  const seen = new Set<string>()
  return fields.flatMap((field) => {
    if (seen.has(field)) return [`${field} is there twice`]
    seen.add(field)
    return isField(field) ? [] : [`no field can be called ${JSON.stringify(field)}`]
  })
}

function isField(name: string): boolean {
  return name.length > 0 && name.length <= 200 && !/\p{Cc}/u.test(name) && !isInherited(name)
}
