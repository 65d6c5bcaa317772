import { parse } from 'smol-toml'
import { WaybillError } from '../shared/service/errors.ts'
import { readGiven } from './given-path.ts'

/** Reads settings that a person wrote, as TOML where the file is called so, else as JSON. @throws STUDY_DOCUMENT_INVALID, BAD_ARGUMENT */
export function readSettings(path: string): unknown {
  const text = readGiven(path)
  try {
    return path.endsWith('.toml') ? parse(text) : JSON.parse(text)
  } catch (cause) {
    throw new WaybillError('STUDY_DOCUMENT_INVALID', `${path}: ${cause instanceof Error ? cause.message : cause}`)
  }
}
