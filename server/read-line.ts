import { isUtf8 } from 'node:buffer'
import { Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import canonicalize from 'canonicalize'
import { scanObject } from '../shared/crypto/scan-canonical.ts'
import { Change } from '../shared/protocol/change.ts'

const mostNested = 1000
const changeCheck = TypeCompiler.Compile(Change)
const aroundCheck = TypeCompiler.Compile(Type.Omit(Change, ['fields']))
const fieldsName = Buffer.from('"fields":')

/** The change that a line of a batch is, or why it is none: it must be in RFC 8785 canonical form. */
export function readLine(line: Buffer): Change | string {
  return readAtSight(line) ?? readSlowly(line)
}

/** The change of a line that is canonical at sight; undefined says nothing. */
export function readAtSight(line: Buffer): Change | undefined {
  const members: number[] = []
  if (!isUtf8(line) || scanObject(line, 0, 0, members) !== line.length) return undefined
  const at = members.findIndex((start, index) => index % 2 === 0 && isFields(line, start))
  const [start, end] = [members[at], members[at + 1]]
  // What makes a change has members before its fields.
  if (at < 1 || start === undefined || end === undefined || line[start] !== 0x7b) return undefined
  const before = start - fieldsName.length - 1
  const around: unknown = JSON.parse(line.toString('utf8', 0, before) + line.toString('utf8', end))
  return aroundCheck.Check(around) ? Object.assign(new LateFields(line, start, end), around) : undefined
}

/**
 * The fields of a change, which are most of its text: they are made of it once somebody asks for them. No object has a getter of its own,
 * since V8 would make a class for each, and look through the whole heap for these again and again.
 */
class LateFields {
  readonly #line: Buffer
  readonly #start: number
  readonly #end: number
  #fields: Change['fields'] | undefined

  constructor(line: Buffer, start: number, end: number) {
    this.#line = line
    this.#start = start
    this.#end = end
  }

  get fields(): Change['fields'] {
    this.#fields ??= JSON.parse(this.#line.toString('utf8', this.#start, this.#end)) as Change['fields']
    return this.#fields
  }

  /** All of the change. */
  toJSON(): object {
    return { ...this, fields: this.fields }
  }
}

function isFields(line: Buffer, value: number): boolean {
  const name = value - fieldsName.length
  return fieldsName.every((byte, offset) => line[name + offset] === byte)
}

function readSlowly(line: Buffer): Change | string {
  if (!isUtf8(line)) return 'not UTF-8'
  const text = line.toString()
  const change = parse(text)
  if (!changeCheck.Check(change)) return changeCheck.Errors(change).First()?.message ?? 'no change'
  return whyNotCanonical(change, text) ?? change
}

/** Half a character or an endless number has no canonical form. What reads the feed cannot follow endless nesting. */
function whyNotCanonical(change: unknown, text: string): string | undefined {
  if (isDeep(change, mostNested)) return `nested deeper than ${mostNested}`
  try {
    return canonicalize(change) === text ? undefined : 'not in RFC 8785 canonical form'
  } catch (error) {
    return `not in RFC 8785 canonical form: ${error instanceof Error ? error.message : error}`
  }
}

function isDeep(value: unknown, left: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return left === 0 || Object.values(value).some((inner) => isDeep(inner, left - 1))
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
