import type { About } from './about-change.ts'
import { type ChainPlace, type Head, type Heads, headsOf, type Member, shownFirst } from './heads.ts'
import { ownModels } from './read-decision.ts'
import type { Round, StoredChange, StoredRecord } from './round.ts'
import { showKeys } from './show-keys.ts'

/** Works the heads of a canonical record out from all applied changes of what it stands for, and shows what they say. */
export function evaluate(round: Round, ordinal: number): void {
  const members = membersOf(round, ordinal)
  for (const { places } of members) noteUnrooted(round, ordinal, places)
  show(round, round.record(ordinal), headsOf(members, round.places.lineage))
}

/** While the first batch of a chain is not here, what it goes on from is not known: once it comes, the record is looked at again. */
export function noteUnrooted(round: Round, record: number, places: ChainPlace[]): void {
  for (const place of places)
    for (const { producer, chain } of round.places.unrooted(place.chain))
      round.run('INSERT OR IGNORE INTO unrooted VALUES (?, ?, ?)', producer, chain, record)
}

/** Every applied change of a canonical record and of those that are merged into it. */
export function membersOf(round: Round, ordinal: number): Member[] {
  const merged = round.all<{ ordinal: number }>('SELECT ordinal FROM records WHERE canonical = ?', ordinal)
  return [{ ordinal }, ...merged]
    .flatMap((one) => round.appliedOf(one.ordinal))
    .map((change) => memberOf(round, change))
}

export function memberOf(round: Round, change: StoredChange): Member {
  const { position, idHash, action, digest, about } = change
  const base = about?.includes('"base"') ? ((JSON.parse(about) as About).base ?? []) : []
  return { change: position, id: idHash, action, digest, base, places: round.placesOf(change) }
}

/** The heads as they are stored. Of a single one it is not kept whether it was inserted: nothing asks for it. */
export function headsNow(round: Round, { ordinal, shown, conflict }: StoredRecord): Head[] {
  const stored =
    conflict === 1
      ? round.all<{ change: number; inserted: number }>('SELECT change, inserted FROM heads WHERE record = ?', ordinal)
      : [{ change: shown ?? 0, inserted: 0 }]
  return stored.flatMap(({ change, inserted }) => {
    const found = round.change(change)
    return found ? [{ ...memberOf(round, found), inserted: inserted === 1 }] : []
  })
}

/** Stores what a record shows now; where that is another thing than before, the feed of states says so. */
export function show(round: Round, record: StoredRecord, { heads, loose }: Heads): void {
  const [first] = heads.toSorted(shownFirst)
  const shown = first?.change ?? null
  const state = first === undefined ? 'none' : first.action === 'delete' ? 'deleted' : 'present'
  const conflict = Number(heads.length > 1)
  keepHeads(round, record, heads)
  const isSame = shown === record.shown && conflict === record.conflict
  if (isSame && Number(loose) === record.loose) return
  round.run(
    'UPDATE records SET shown = ?, state = ?, conflict = ?, loose = ? WHERE ordinal = ?',
    ...[shown, state, conflict, Number(loose), record.ordinal],
  )
  round.count('conflicts', conflict - record.conflict)
  if (shown !== record.shown) showKeys(round, record.model, record.shown, shown)
  if (!isSame) tell(round, record, shown, state, conflict)
}

function keepHeads(round: Round, { ordinal, conflict }: StoredRecord, heads: Head[]): void {
  if (conflict === 0 && heads.length < 2) return
  const kept = new Map(heads.length < 2 ? [] : heads.map(({ change, inserted }) => [change, Number(inserted)]))
  const stored = round.all<{ change: number; inserted: number }>(
    'SELECT change, inserted FROM heads WHERE record = ?',
    ordinal,
  )
  for (const { change, inserted } of stored)
    if (kept.get(change) === inserted) kept.delete(change)
    else round.run('DELETE FROM heads WHERE record = ? AND change = ?', ordinal, change)
  for (const [change, inserted] of kept) round.run('INSERT INTO heads VALUES (?, ?, ?)', ordinal, change, inserted)
}

/** Decisions are no records of the study: they are acted on instead. */
function tell(
  round: Round,
  record: StoredRecord,
  shown: number | null,
  state: StoredRecord['state'],
  conflict: number,
) {
  if (record.model.startsWith(ownModels)) round.decided.push(record.ordinal)
  else
    round.run(
      'INSERT INTO states (record, change, state, conflict) VALUES (?, ?, ?, ?)',
      ...[record.ordinal, shown, state === 'present' ? 'present' : 'deleted', conflict],
    )
}
