import type { Change } from '../shared/protocol/change.ts'
import type { Models } from './check-models.ts'
import type { Problem } from './problem.ts'

/** What a registry needs to see of a change. */
export type SampleChange = Pick<Change, 'id' | 'model' | 'action' | 'naturalKey' | 'fields' | 'opaque'>

interface Wanted {
  /** Fields that the registry names, with where it names them; what a sample has is taken out. */
  fields: Map<string, string[]>
  seen: number
  /** What does not fit, each with the first change that shows it. */
  wrong: Map<string, string>
}

/**
 * Compares a registry with changes that an app really made: a field that it names and that no change has is most likely misspelt. Memory
 * is bounded by the registry, however many changes come (invariant 10).
 */
export class RegistrySamples {
  readonly #models: Models
  readonly #wanted: Map<string, Wanted>

  constructor(models: Models) {
    this.#models = models
    this.#wanted = new Map(
      Object.keys(models).map((label) => [label, { fields: fieldsOf(label, models), seen: 0, wrong: new Map() }]),
    )
  }

  /** Looks at one change; one of a model that is not registered says nothing. A delete may come without fields. */
  take(change: SampleChange): void {
    const wanted = this.#wanted.get(change.model)
    const hasFields = Object.keys(change.fields).length > 0
    if (!wanted || (!hasFields && change.action === 'delete') || change.opaque !== undefined) return
    wanted.seen += 1
    for (const field of wanted.fields.keys()) if (Object.hasOwn(change.fields, field)) wanted.fields.delete(field)
    for (const { field, what } of this.#misfits(change)) if (!wanted.wrong.has(field)) wanted.wrong.set(field, what)
  }

  /** What does not fit, by field of the registry. */
  problems(): Problem[] {
    return [...this.#wanted].flatMap(([, { fields, seen, wrong }]) => {
      const absent = [...(seen > 0 ? fields : [])].flatMap(([field, places]) =>
        places.map((place) => ({
          field: place,
          what: `${field} is in none of the ${seen} changes that were looked at`,
        })),
      )
      return [...absent, ...Array.from(wrong, ([field, what]) => ({ field, what }))]
    })
  }

  /** Models of which no change was looked at: nothing can be said of their fields. */
  unseen(): string[] {
    return [...this.#wanted].filter(([, { seen }]) => seen === 0).map(([label]) => label)
  }

  #misfits({ id, model, naturalKey, fields }: SampleChange): Problem[] {
    const registered = this.#models[model]
    const parts = registered?.naturalKey?.length ?? naturalKey.length
    const problems: Problem[] = []
    if (parts !== naturalKey.length)
      problems.push({
        field: `/models/${model}/naturalKey`,
        what: `${parts} fields, and the key of change ${id} has ${naturalKey.length} parts`,
      })
    for (const field of Object.keys(registered?.dependsOn ?? {}))
      if (!namesParents(fields[field]))
        problems.push({
          field: `/models/${model}/dependsOn/${field}`,
          what: `${field} of change ${id} is neither a natural key nor a primary key`,
        })
    return problems
  }
}

/** A natural key may go through a relation, as Django writes it: `subject_visit__visit_code` is read from `subject_visit`. */
function fieldsOf(label: string, models: Models): Map<string, string[]> {
  const { naturalKey = [], dependsOn = {}, hidden = [], requisition = {} } = models[label] ?? {}
  const mapped = Object.entries(requisition).filter(([, field]) => typeof field === 'string')
  const named: Array<[string, string]> = [
    ...naturalKey.map((field): [string, string] => [field.split('__')[0] || field, 'naturalKey']),
    ...Object.keys(dependsOn).map((field): [string, string] => [field, `dependsOn/${field}`]),
    ...hidden.map((field): [string, string] => [field, 'hidden']),
    ...mapped.map(([name, field]): [string, string] => [String(field), `requisition/${name}`]),
  ]
  const fields = new Map<string, string[]>()
  for (const [field, place] of named) fields.set(field, [...(fields.get(field) ?? []), `/models/${label}/${place}`])
  return fields
}

/** No parent, a parent by pk or by natural key, or several. */
function namesParents(value: unknown): boolean {
  return typeof value !== 'object' || value === null || Array.isArray(value)
}
