import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { type TypeCheck, TypeCompiler } from '@sinclair/typebox/compiler'
import { type StudyDocument, StudySettings } from '../shared/protocol/study-document.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { modelProblems } from './check-models.ts'
import { type Problem, tellProblem } from './problem.ts'
import { unknownFields } from './unknown-fields.ts'

/** The part of the settings that an app can write by itself. */
const Registry = Type.Pick(StudySettings, ['models'])
const check = TypeCompiler.Compile(StudySettings)
const registryCheck = TypeCompiler.Compile(Registry)
const mostTold = 20

/** What a study starts from until a person publishes more. */
export function defaultSettings(name: string): StudySettings {
  return {
    name,
    sites: [],
    models: {},
    reasons: [
      { code: 'leftBehind', words: 'left behind', closes: false },
      { code: 'otherDriver', words: 'given to another driver', closes: true },
      { code: 'broughtIn', words: 'brought in by the assistant', closes: true },
      { code: 'spoiled', words: 'spoiled waiting', closes: true },
      { code: 'damaged', words: 'damaged', closes: true },
      { code: 'leaked', words: 'leaked', closes: true },
      { code: 'clotted', words: 'clotted or haemolysed', closes: true },
      { code: 'wrongTube', words: 'wrong tube', closes: true },
      { code: 'unreadable', words: 'label unreadable', closes: true },
      { code: 'other', words: 'other', closes: false },
    ],
    temperature: null,
    people: [],
    limits: {
      batchChanges: 500,
      batchBytes: 1_048_576,
      sealAfterSeconds: 300,
      retentionHours: 336,
      producerBytes: 107_374_182_400,
    },
  }
}

/**
 * Checks what a person wrote; fields that a person may not set are named and refused.
 * @throws STUDY_DOCUMENT_INVALID naming every wrong field
 */
export function checkSettings(given: unknown): StudySettings {
  const wrong = settingsProblems(given)
  if (wrong.length === 0) return given as StudySettings
  const more = wrong.length > mostTold ? [`and ${wrong.length - mostTold} more`] : []
  throw new WaybillError('STUDY_DOCUMENT_INVALID', [...wrong.slice(0, mostTold).map(tellProblem), ...more].join('; '))
}

/** All that is wrong with what a person wrote, by field. */
export function settingsProblems(given: unknown): Problem[] {
  return problemsUnder(check, StudySettings, given, (settings) => [
    ...modelProblems(settings.models),
    ...doubled(settings),
  ])
}

/** All that is wrong with a registry of models alone. */
export function registryProblems(given: unknown): Problem[] {
  return problemsUnder(registryCheck, Registry, given, ({ models }) => modelProblems(models))
}

/** What makes sense is asked only of what has the right form. */
function problemsUnder<S extends TSchema>(
  form: TypeCheck<S>,
  schema: S,
  given: unknown,
  sense: (given: Static<S>) => Problem[],
): Problem[] {
  const unknown = unknownFields(schema, given)
  if (form.Check(given)) return [...unknown, ...sense(given)]
  return [...unknown, ...Array.from(form.Errors(given), ({ path, message }) => ({ field: path || '/', what: message }))]
}

/** The part of a study document that a person publishes. */
export function settingsOf(document: StudyDocument): StudySettings {
  const { name, sites, models, reasons, temperature, people, limits } = document
  return { name, sites, models, reasons, temperature, people, limits }
}

/** A code that two reasons, or two people, share would make what was signed ambiguous. */
function doubled({ reasons, people }: StudySettings): Problem[] {
  const named: Array<[string, string[]]> = [
    ['reasons', reasons.map(({ code }) => code)],
    ['people', people.map(({ id }) => id)],
  ]
  return named.flatMap(([list, ids]) => {
    const seen = new Set<string>()
    return ids.flatMap((id, index) => {
      const isFirst = !seen.has(id)
      seen.add(id)
      return isFirst ? [] : [{ field: `/${list}/${index}`, what: `${id} is there twice` }]
    })
  })
}
