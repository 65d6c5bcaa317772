import { sha256 } from '../shared/crypto/digest.ts'
import type { Change } from '../shared/protocol/change.ts'
import type { MappedModels } from '../shared/specimens/derive-line.ts'
import { idHash } from './id-hash.ts'
import { type Decision, isOnBatch, ownModels, readDecision } from './read-decision.ts'

/** By what a batch is read. */
export interface Terms {
  /** The study configuration that it was made under; undefined where this server never had it. */
  study: MappedModels | undefined
  newest: MappedModels
  /** A server of the study made it: it may hold decisions of persons. */
  decides: boolean
  /** It is read again: the newest study configuration counts first. */
  again?: boolean
}

/** What applying needs to know of a change besides its record, none of it text of its fields. */
export interface About {
  /** Of its natural key. */
  key?: string
  /** Parents that it names by natural key, as digests by model. */
  parents?: Record<string, string[]>
  /** Parents that it names by pk, by model. */
  pks?: Record<string, string[]>
  /** What it was made upon, as `idHash` finds it. */
  base?: number[]
  /** No study configuration has its model for offline use. */
  held?: true
  /** Why it cannot be applied. */
  wrong?: string
  /** A decision that its producer may not make. */
  refused?: true
  decision?: Decision
  /** Another content bears its id. */
  twin?: true
  /** What other study configurations make of it, under which an exact repeat of it was sealed. */
  also?: About[]
}

type Model = MappedModels['models'][string]

const keyDigits = 32
const mostParents = 1000

/** What applying needs to know of a change; undefined where there is nothing. */
export function aboutChange(change: Change, terms: Terms): About | undefined {
  const about: About = {}
  if (change.base.length > 0) about.base = [...new Set(change.base.map(idHash))]
  if (change.naturalKey.length > 0) about.key = keyDigest(change.model, change.naturalKey).toString('base64url')
  if (change.model.startsWith(ownModels)) addDecision(about, change, terms)
  else addModel(about, change, terms)
  for (const _ in about) return about
  return undefined
}

/**
 * What is known of a change once an exact repeat of it was read by other terms: it counts as the best that any of them says. A decision
 * counts where a server made it, whoever else repeats it.
 * @returns undefined where the repeat says nothing new
 */
export function withReading(known: About, repeat: About): About | undefined {
  const { twin, also = [], ...first } = known
  const marks = twin && { twin }
  if (repeat.refused || [first, ...also].some((one) => JSON.stringify(one) === JSON.stringify(repeat))) return undefined
  if (known.refused) return { ...repeat, ...marks }
  return { ...first, ...marks, also: [...also, repeat] }
}

/**
 * What is known of a change once it was read by the newest study configuration as well. Where that has its model, nothing that was held
 * for want of it is held any more.
 */
export function withNewest(known: About, newest: About): About {
  if (newest.held) return known
  const { twin, also = [], ...first } = known
  const [kept, ...others] = [first, ...also].filter((one) => !one.held)
  const left: About = { ...(kept ?? newest), ...(twin && { twin }), ...(others.length > 0 && { also: others }) }
  return withReading(left, newest) ?? left
}

/** By what a natural key is found: the first 16 bytes of sha-256 over the RFC 8785 form of `[model, naturalKey]`. */
export function keyDigest(model: string, naturalKey: readonly unknown[]): Buffer {
  // Plain values in arrays: V8 writes them as RFC 8785 does.
  return firstBytes(JSON.stringify([model, naturalKey]))
}

/** By what changes that wait for a pk are found. */
export function pkDigest(model: string, pk: string): Buffer {
  return firstBytes(JSON.stringify([model, { pk }]))
}

function firstBytes(text: string): Buffer {
  return Buffer.from(sha256(text).slice(0, keyDigits), 'hex')
}

function addDecision(about: About, change: Change, { decides }: Terms): void {
  if (!decides) about.refused = true
  if (!decides || (change.action === 'delete' && !isOnBatch(change.model))) return
  const decision = readDecision(change)
  if (typeof decision === 'string') about.wrong = decision
  else about.decision = decision
  // It waits for the records that it speaks of.
  if (typeof decision === 'object' && 'pks' in decision) about.pks = { [decision.model]: decision.pks }
}

function addModel(about: About, change: Change, terms: Terms): void {
  const model = modelOf(change.model, terms)
  if (!model) {
    about.held = true
    return
  }
  const wrong = whyMalformed(change, model) ?? addParents(about, change, model, terms)
  if (wrong !== undefined) about.wrong = wrong
}

/** That of the batch's own study configuration, else that of the newest. */
function modelOf(label: string, { study, newest, again = false }: Terms): Model | undefined {
  const [first, second] = again ? [newest, study] : [study, newest]
  return offline(first, label) ?? offline(second, label)
}

function offline(study: MappedModels | undefined, label: string): Model | undefined {
  if (!study || !Object.hasOwn(study.models, label)) return undefined
  const model = study.models[label]
  return model?.offline === false ? undefined : model
}

/** A delete may leave its natural key out. */
function whyMalformed({ naturalKey, action }: Change, model: Model): string | undefined {
  const parts = model.naturalKey?.length
  if (parts === undefined || naturalKey.length === parts) return undefined
  if (action === 'delete' && naturalKey.length === 0) return undefined
  return `its natural key has ${naturalKey.length} parts, and the study configuration says ${parts}`
}

/** A delete needs nobody. @returns what is wrong */
function addParents(about: About, change: Change, { dependsOn }: Model, terms: Terms): string | undefined {
  if (dependsOn === undefined || change.action === 'delete') return undefined
  const [keys, pks] = [new Map<string, Set<string>>(), new Map<string, Set<string>>()]
  let named = 0
  for (const [field, model] of Object.entries(dependsOn)) {
    const parents = Object.hasOwn(change.fields, field) ? parentsIn(change.fields[field], model, terms) : []
    if (!parents) return `field ${field} names no record of ${model}`
    named += parents.length
    if (named > mostParents) return `it names more than ${mostParents} records that it depends on`
    for (const parent of parents) {
      if (Array.isArray(parent)) addTo(keys, model, keyDigest(model, parent).toString('base64url'))
      else if (model !== change.model || parent !== change.pk) addTo(pks, model, parent)
    }
  }
  // Its own record it does not wait for.
  if (about.key !== undefined) keys.get(change.model)?.delete(about.key)
  if (keys.size > 0) about.parents = listed(keys)
  if (pks.size > 0) about.pks = listed(pks)
  return undefined
}

/** What a field names: natural keys as arrays, pks as texts. @returns undefined where it names no records */
function parentsIn(value: unknown, model: string, terms: Terms): Array<unknown[] | string> | undefined {
  if (value === null) return []
  const pk = pkOf(value)
  if (pk !== undefined) return [pk]
  if (!Array.isArray(value)) return undefined
  if (value.some(Array.isArray) || isKeyless(model, terms)) return several(value)
  if (value.length === 0) return []
  return value.every(isPlain) ? [value] : undefined
}

function several(values: unknown[]): Array<unknown[] | string> | undefined {
  const parents: Array<unknown[] | string> = []
  for (const value of values) {
    const parent = Array.isArray(value) && value.every(isPlain) ? value : pkOf(value)
    if (parent === undefined) return undefined
    parents.push(parent)
  }
  return parents
}

/** Where a model has no natural key, an array of plain values is several pks. */
function isKeyless(label: string, terms: Terms): boolean {
  return modelOf(label, terms)?.naturalKey?.length === 0
}

function isPlain(value: unknown): boolean {
  return value === null || typeof value !== 'object'
}

function pkOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined
}

function addTo(sets: Map<string, Set<string>>, model: string, value: string): void {
  const known = sets.get(model)
  if (known) known.add(value)
  else sets.set(model, new Set([value]))
}

function listed(sets: Map<string, Set<string>>): Record<string, string[]> {
  return Object.fromEntries(
    [...sets].filter(([, values]) => values.size > 0).map(([model, values]) => [model, [...values]]),
  )
}
