import { sha256 } from '../shared/crypto/digest.ts'

const digits = 8
const pkHashes = 2 ** 32
const modelHashes = 2 ** 15

/** How SQL asks for the record at a place, with the three values of `recordPlace`. */
export const atPlace = 'place_hash = ? AND model = ? AND pk = ?'

/** Hash, model and pk. */
export type RecordPlace = [hash: number, model: string, pk: string]

/** By what a record is found: its hash, then its model and pk, since two may share a hash. */
export function recordPlace(model: string, pk: string): RecordPlace {
  return [placeHash(model, pk), model, pk]
}

/**
 * A number of 47 bits, which SQLite keeps in six bytes: an index of model and pk themselves would be four times as large, and each
 * transaction of opening would write most of its pages. The records of one model lie together.
 */
export function placeHash(model: string, pk: string): number {
  return modelHash(model) * pkHashes + Number.parseInt(sha256(`${model} ${pk}`).slice(0, digits), 16)
}

/** Between which hashes the records of a model lie, both included; those of another may as well. */
export function hashesOf(model: string): [first: number, last: number] {
  const first = modelHash(model) * pkHashes
  return [first, first + pkHashes - 1]
}

/** Models are few: whoever makes two of them hash alike makes only the lists of these slower. */
function modelHash(model: string): number {
  let hash = 0
  for (let at = 0; at < model.length; at++) hash = (hash * 31 + model.charCodeAt(at)) % modelHashes
  return hash
}
