import { Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import type { Change } from '../shared/protocol/change.ts'
import { Digest, Label } from '../shared/protocol/fields.ts'
import { idHash } from './id-hash.ts'

/** A person's decision on one change, named by what finds its id, and its digest. */
interface OnChange {
  target: number
  digest: string
}

/** A batch that waited for a person is opened, or is not; `through` is the last of those that are released with it. */
export interface OnBatch {
  on: 'release' | 'refuse'
  batch: string
  through: string | null
}

/** Several records of one model are one. */
interface Merge {
  model: string
  pks: string[]
}

/** What a decision says, as it is kept with the change that brings it. */
export type Decision = OnChange | OnBatch | Merge

/** Decisions on batches: what is opened is not taken back, so that one of these is never taken back either. */
const batchModels: Record<string, OnBatch['on']> = { 'waybill.release': 'release', 'waybill.refuse': 'refuse' }

/** Models of decisions begin so: no study configuration has them. */
export const ownModels = 'waybill.'

const strict = { additionalProperties: false }
const reason = Type.Optional(Type.String({ maxLength: 1000 }))
const onChange = TypeCompiler.Compile(Type.Object({ change: Label, digest: Digest, reason }, strict))
const onBatch = TypeCompiler.Compile(
  Type.Object({ batch: Digest, through: Type.Optional(Type.Union([Digest, Type.Null()])), reason }, strict),
)
const merge = TypeCompiler.Compile(
  Type.Object(
    { model: Label, pks: Type.Array(Label, { minItems: 2, maxItems: 100, uniqueItems: true }), reason },
    strict,
  ),
)

/** Reads the decision that a change holds. @returns a text that says what is wrong with it */
export function readDecision({ model, action, pk, fields }: Change): Decision | string {
  const on = isOnBatch(model) ? batchModels[model] : undefined
  if (on !== undefined) return readOnBatch(on, action, pk, fields)
  if (model === 'waybill.discard' || model === 'waybill.retry') {
    if (!onChange.Check(fields)) return 'it does not name a change, its digest and the reason'
    if (model === 'waybill.discard' && pk !== fields.digest) return 'its pk is not the digest of the change'
    return { target: idHash(fields.change), digest: fields.digest }
  }
  if (model !== 'waybill.merge') return `no decision is named ${model}`
  if (!merge.Check(fields)) return 'it does not name a model, two to a hundred pks and the reason'
  if (fields.model.startsWith(ownModels)) return 'decisions are not merged'
  return { model: fields.model, pks: fields.pks }
}

function readOnBatch(
  on: OnBatch['on'],
  action: Change['action'],
  pk: string,
  fields: Change['fields'],
): OnBatch | string {
  if (action === 'delete') return 'what was decided on a batch is not taken back'
  if (!onBatch.Check(fields)) return 'it does not name a batch and the reason'
  if (pk !== fields.batch) return 'its pk is not the digest of the batch'
  return { on, batch: fields.batch, through: fields.through ?? null }
}

/** Whether a model's decisions cannot be taken back. */
export function isOnBatch(model: string): boolean {
  return Object.hasOwn(batchModels, model)
}
