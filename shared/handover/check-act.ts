import { TypeCompiler } from '@sinclair/typebox/compiler'
import canonicalize from 'canonicalize'
import { Act, type HandoverHead, mostActs } from '../protocol/handover.ts'
import type { StudyDocument } from '../protocol/study-document.ts'
import { WaybillError } from '../service/errors.ts'
import type { ActBook } from './act-book.ts'

/** One laptop's part of the acts of a handover. */
export const mostOwnActs = mostActs / 2
const mostActBytes = 4000
const deepest = 8
const check = TypeCompiler.Compile(Act)

/**
 * Checks an act that the other laptop told: that it can be written down and signed, is of one of the two laptops, follows its
 * device's last act, and is about a model that has requisitions.
 * @returns undefined where it is known already
 * @throws ACT_REFUSED saying what is wrong with it
 */
export function checkAct(told: unknown, head: HandoverHead, book: ActBook, study: StudyDocument): Act | undefined {
  if (!check.Check(told)) {
    const first = check.Errors(told).First()
    throw refusal(`${first?.path} ${first?.message}`)
  }
  if (!canBeSigned(told, 0) || Buffer.byteLength(JSON.stringify(told)) > mostActBytes)
    throw refusal('it holds what cannot be signed')
  const { device, number, after, deed } = told
  const name = `act ${number} of ${device.slice(0, 8)}`
  if (device !== head.giver && device !== head.taker) throw refusal(`${name}: neither laptop of this handover did it`)
  const known = book.find(head.id, device, number)
  if (known && canonicalize(known) === canonicalize(told)) return undefined
  if (known) throw refusal(`${name}: another act of that number is here`)
  if (number !== (book.seen(head.id)[device] ?? 0) + 1) throw refusal(`${name}: an act before it is missing`)
  if (number > mostOwnActs || after > mostActs) throw refusal(`${name}: more than a handover holds`)
  if (after <= book.lastAfter(head.id, device)) throw refusal(`${name}: it does not come after the one before it`)
  const model = 'line' in deed ? deed.line?.model : undefined
  if (model !== undefined && !hasRequisitions(study, model)) throw refusal(`${name}: no requisition is a ${model}`)
  return told
}

/** Whether a model of the study has requisitions. */
function hasRequisitions({ models }: StudyDocument, model: string): boolean {
  return Object.hasOwn(models, model) && models[model]?.requisition !== undefined
}

/** RFC 8785 has no form for half a surrogate pair, and we sign no unsafe integers. */
export function canBeSigned(value: unknown, depth: number): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  if (typeof value === 'number')
    return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))
  if (typeof value !== 'object' || value === null) return true
  if (depth === deepest) return false
  return Object.entries(value).every(([name, inner]) => name.isWellFormed() && canBeSigned(inner, depth + 1))
}

function refusal(why: string): WaybillError {
  return new WaybillError('ACT_REFUSED', why)
}
