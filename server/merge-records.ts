import type { About } from './about-change.ts'
import type { Round, StoredRecord } from './round.ts'
import { showKeys } from './show-keys.ts'
import { evaluate } from './show-record.ts'

interface Merge {
  model: string
  pks: string[]
}

/**
 * A decision to merge is in force, says something else or is taken back: whatever it named and names stands for what all merges in force
 * say together. The smallest pk, by its UTF-8 bytes, is canonical.
 */
export function merge(round: Round, decision: StoredRecord): void {
  const before = mergesOf(round, decision)
  for (const { change } of before) round.run('DELETE FROM merges WHERE change = ?', change)
  const now = decision.state === 'present' ? mergeIn(round, decision.shown) : undefined
  if (now) round.run('INSERT INTO merges VALUES (?, ?, ?)', decision.shown, now.model, JSON.stringify(now.pks))
  const named = now ? [...before, now] : before
  for (const model of new Set(named.map((one) => one.model)))
    regroup(
      round,
      model,
      named.filter((one) => one.model === model).flatMap(({ pks }) => pks),
    )
}

function mergesOf(round: Round, { ordinal }: StoredRecord): Array<Merge & { change: number }> {
  return round
    .all<{ change: number; model: string; pks: string }>(
      'SELECT change, model, pks FROM merges WHERE change IN (SELECT position FROM changes WHERE record = ?)',
      ordinal,
    )
    .map(({ change, model, pks }) => ({ change, model, pks: JSON.parse(pks) }))
}

function mergeIn(round: Round, shown: number | null): Merge | undefined {
  const about = shown === null ? null : round.change(shown)?.about
  const { decision } = JSON.parse(about ?? '{}') as About
  return decision && 'pks' in decision ? decision : undefined
}

/** Gives every record that is together with one of these, or was, its canonical one. */
function regroup(round: Round, model: string, pks: string[]): void {
  const groups = groupsOf(round, model)
  const touched = new Map<number, StoredRecord>()
  for (const pk of new Set(pks.flatMap((one) => [one, ...(groups.get(one) ?? [])])))
    for (const record of togetherWith(round, model, pk)) touched.set(record.ordinal, record)
  const moved = [...touched.values()].map((record) => ({ record, to: canonicalOf(round, record, groups) }))
  for (const { record, to } of moved) if (to !== record.canonical) move(round, record, to)
  const standing = new Set(moved.map(({ record, to }) => to ?? record.ordinal))
  for (const ordinal of standing) evaluate(round, ordinal)
  for (const { record, to } of moved)
    if (to !== null && to !== record.canonical)
      round.run(
        "INSERT INTO states (record, state, conflict, canonical) VALUES (?, 'merged', 0, ?)",
        record.ordinal,
        to,
      )
}

/** A record and those that it is together with as things stand. */
function togetherWith(round: Round, model: string, pk: string): StoredRecord[] {
  const record = round.recordAt(model, pk)
  if (!record) return []
  const canonical = record.canonical ?? record.ordinal
  const members = round.all<{ ordinal: number }>('SELECT ordinal FROM records WHERE canonical = ?', canonical)
  return [canonical, ...members.map(({ ordinal }) => ordinal)].map((ordinal) => round.record(ordinal))
}

/** Each pk that merges in force name, with all that are one with it, the smallest first. */
function groupsOf(round: Round, model: string): Map<string, string[]> {
  const groups = new Map<string, Set<string>>()
  for (const { pks } of round.all<{ pks: string }>('SELECT pks FROM merges WHERE model = ?', model)) {
    const union = new Set((JSON.parse(pks) as string[]).flatMap((pk) => [...(groups.get(pk) ?? [pk])]))
    for (const pk of union) groups.set(pk, union)
  }
  return new Map([...groups].map(([pk, group]) => [pk, [...group].sort(byBytes)]))
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

function canonicalOf(round: Round, record: StoredRecord, groups: Map<string, string[]>): number | null {
  const smallest = groups.get(record.pk)?.[0] ?? record.pk
  return smallest === record.pk ? null : (round.recordAt(record.model, smallest)?.ordinal ?? null)
}

/** What it shows, its canonical record shows from now on; or it shows it itself again. */
function move(round: Round, record: StoredRecord, to: number | null): void {
  round.dirty.delete(record.ordinal)
  round.run('UPDATE records SET canonical = ? WHERE ordinal = ?', to, record.ordinal)
  if (to === null) return
  showKeys(round, record.model, record.shown, null)
  round.run('DELETE FROM heads WHERE record = ?', record.ordinal)
  round.count('conflicts', -record.conflict)
  round.run(
    "UPDATE records SET shown = NULL, state = 'none', conflict = 0, loose = 0 WHERE ordinal = ?",
    record.ordinal,
  )
}
