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
      'left behind',
      'given to another driver',
      'brought in by the assistant',
      'spoiled waiting',
      'damaged',
      'leaked',
      'clotted or haemolysed',
      'wrong tube',
      'label unreadable',
    ],
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
  if (check.Check(given)) wrong.push(...invisibleFields(given))
  else for (const { path, message } of check.Errors(given)) wrong.push(`${path || '/'}: ${message}`)
  if (wrong.length > 0) throw new WaybillError('STUDY_DOCUMENT_INVALID', wrong.slice(0, 20).join('; '))
  return given as StudySettings
}

/** The part of a study document that a person publishes. */
export function settingsOf(document: StudyDocument): StudySettings {
  const { name, sites, models, reasons, people, limits } = document
  return { name, sites, models, reasons, people, limits }
}

function unknownFields(given: unknown): string[] {
  if (typeof given !== 'object' || given === null) return []
  return Object.keys(given)
    .filter((field) => !(field in StudySettings.properties))
    .map((field) => `/${field}: not a setting`)
}

function invisibleFields(settings: StudySettings): string[] {
  return Object.entries(settings.models).flatMap(([label, { requisition = {} }]) =>
    Object.entries(requisition)
      .filter(([, field]) => typeof field === 'string' && !mayBeVisible(field))
      .map(([name, field]) => `/models/${label}/requisition/${name}: ${field} must not be readable on the way`),
  )
}
