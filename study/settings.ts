import { TypeCompiler } from '@sinclair/typebox/compiler'
import { type StudyDocument, StudySettings } from '../shared/protocol/study-document.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { mayBeVisible } from '../shared/specimens/never-visible.ts'

const check = TypeCompiler.Compile(StudySettings)

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
  const wrong = [...unknownFields(given)]
  if (check.Check(given)) wrong.push(...invisibleFields(given), ...doubled(given))
  else for (const { path, message } of check.Errors(given)) wrong.push(`${path || '/'}: ${message}`)
  if (wrong.length > 0) throw new WaybillError('STUDY_DOCUMENT_INVALID', wrong.slice(0, 20).join('; '))
  return given as StudySettings
}

/** The part of a study document that a person publishes. */
export function settingsOf(document: StudyDocument): StudySettings {
  const { name, sites, models, reasons, temperature, people, limits } = document
  return { name, sites, models, reasons, temperature, people, limits }
}

function unknownFields(given: unknown): string[] {
  if (typeof given !== 'object' || given === null) return []
  return Object.keys(given)
    .filter((field) => !(field in StudySettings.properties))
    .map((field) => `/${field}: not a setting`)
}

/** A code that two reasons, or two people, share would make what was signed ambiguous. */
function doubled({ reasons, people }: StudySettings): string[] {
  const named: Array<[string, string[]]> = [
    ['reasons', reasons.map(({ code }) => code)],
    ['people', people.map(({ id }) => id)],
  ]
  return named.flatMap(([list, ids]) =>
    ids.flatMap((id, index) => (ids.indexOf(id) === index ? [] : [`/${list}/${index}: ${id} is there twice`])),
  )
}

function invisibleFields(settings: StudySettings): string[] {
  return Object.entries(settings.models).flatMap(([label, { requisition = {} }]) =>
    Object.entries(requisition)
      .filter(([, field]) => typeof field === 'string' && !mayBeVisible(field))
      .map(([name, field]) => `/models/${label}/requisition/${name}: ${field} must not be readable on the way`),
  )
}
