import canonicalize from 'canonicalize'
import { sha256 } from '../crypto/digest.ts'
import type { Change } from '../protocol/change.ts'
import type { RequisitionLine, VisibleFields } from '../protocol/requisition-line.ts'
import type { RequisitionMapping, StudyDocument } from '../protocol/study-document.ts'
import { mayBeVisible } from './never-visible.ts'

/** The part of a study document that makes lines. */
export type MappedModels = Pick<StudyDocument, 'models'>

type Scalar = string | number | boolean | null

/**
 * The visible line that a change gives under this study document; undefined where its model has no requisition mapping.
 * Only mapped fields are taken, of them only plain values, and none that names a person, whoever signed the mapping: nothing
 * else of a change becomes readable (invariant 6).
 */
export function deriveLine(change: Change, study: MappedModels): RequisitionLine | undefined {
  const mapping = study.models[change.model]?.requisition
  if (!mapping) return undefined
  const identifier = visible(change, mapping.identifier)
  return {
    requisition:
      identifier === undefined || identifier === null || identifier === '' ? null : cut(String(identifier), 200),
    model: change.model,
    pk: change.pk,
    changeId: change.id,
    action: change.action,
    fields: visibleFields(change, mapping),
  }
}

/** What a manifest says of its batch's lines: sha-256 of their RFC 8785 forms, a line each. */
export function linesDigest(lines: RequisitionLine[]): { digest: string; count: number } {
  return { digest: sha256(lines.map((line) => `${canonicalize(line)}\n`).join('')), count: lines.length }
}

function visibleFields(change: Change, mapping: RequisitionMapping): VisibleFields {
  const fields: Record<string, Scalar> = {}
  for (const [name, source] of Object.entries(mapping)) {
    if (name === 'identifier') continue
    const value = typeof source === 'number' ? source : visible(change, source)
    if (value !== undefined) fields[name] = value
  }
  return fields
}

function visible(change: Change, field: string): Scalar | undefined {
  return mayBeVisible(field) ? scalar(change.fields[field]) : undefined
}

function scalar(value: unknown): Scalar | undefined {
  if (typeof value === 'string') return cut(value, 500)
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value
  return undefined
}

/** Never in the middle of a character: half of one has no canonical form, and the batch could not be sealed. */
function cut(text: string, most: number): string {
  return text.slice(0, most).replace(/[\ud800-\udbff]$/, '')
}
