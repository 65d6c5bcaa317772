import type { Change } from '../shared/protocol/change.ts'
import type { StudyDocument } from '../shared/protocol/study-document.ts'

/** What of a change people may see. */
export interface Visible {
  naturalKey: Change['naturalKey']
  fields: Change['fields']
  /** How many fields are not shown. */
  hidden: number
}

/**
 * A change without the fields that the study configuration hides, parts of its natural key too. Of a model that it does not have nothing
 * is known, so nothing is shown.
 */
export function visibleFields(
  { models }: Pick<StudyDocument, 'models'>,
  { model, naturalKey, fields }: Pick<Change, 'model' | 'naturalKey' | 'fields'>,
): Visible {
  const known = Object.hasOwn(models, model) ? models[model] : undefined
  if (!known) return { naturalKey: [], fields: {}, hidden: Object.keys(fields).length }
  const hidden = new Set(known.hidden)
  const shown = Object.entries(fields).filter(([name]) => !hidden.has(name))
  const key = naturalKey.map((part, index) => (hidden.has(known.naturalKey?.[index] ?? '') ? null : part))
  return { naturalKey: key, fields: Object.fromEntries(shown), hidden: Object.keys(fields).length - shown.length }
}
