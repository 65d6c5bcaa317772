import type { About } from './about-change.ts'
import { comparePlaces, type Head, type Member } from './heads.ts'
import type { Round, StoredChange, StoredRecord } from './round.ts'
import { evaluate, headsNow, memberOf, noteUnrooted, show } from './show-record.ts'

/** A change is applied: its record's heads with it. Where they are not seen at a glance they are worked out from all its changes. */
export function addChange(round: Round, change: StoredChange, about: About, own: StoredRecord): void {
  const record = own.canonical === null ? own : round.record(own.canonical)
  if (round.dirty.has(record.ordinal)) return
  const heads = atSight(round, record, change, about)
  if (heads === undefined) later(round, record)
  else {
    noteUnrooted(round, record.ordinal, [round.places.place(change)])
    if (heads.length > 0) show(round, record, { heads, loose: false })
  }
}

/** A record that shows nothing yet is shown at once: whoever depends on it comes behind it in the feed of states. */
function later(round: Round, record: StoredRecord): void {
  if (record.shown === null) evaluate(round, record.ordinal)
  else round.dirty.add(record.ordinal)
}

/**
 * The heads with a new change, where that can be told without its record's other changes; exact, given that the record is not loose.
 * @returns undefined where it cannot be told; none where nothing changes
 */
function atSight(round: Round, record: StoredRecord, change: StoredChange, about: About): Head[] | undefined {
  if (record.loose || about.twin) return undefined
  const member = memberOf(round, change)
  if (member.places.length > 1) return undefined
  if (record.shown === null)
    return member.base.length > 0 ? undefined : [{ ...member, inserted: change.action === 'insert' }]
  const heads = headsNow(round, record)
  if (!member.base.every((id) => heads.some((head) => head.id === id))) return undefined
  return following(round, heads, change, member) ?? preceding(round, heads, member)
}

/** It comes after a head in its chain; or it is made upon one, and nothing comes after it. */
function following(round: Round, heads: Head[], change: StoredChange, member: Member): Head[] | undefined {
  const [place] = member.places
  if (!place) return undefined
  const passed = heads.filter((head) => head.places.some((other) => isBefore(round, other, place)))
  const left = heads.filter((head) => !passed.includes(head) && !member.base.includes(head.id))
  const inserted = member.action === 'insert' || passed.some((head) => head.inserted)
  if (passed.length > 0) return [{ ...member, inserted }, ...left]
  const isUpon = left.length === 0 && member.base.length > 0
  return isUpon && round.isNewest(change.batch, place) ? [{ ...member, inserted }] : undefined
}

/** A head comes after it in its chain. */
function preceding(round: Round, heads: Head[], member: Member): Head[] | undefined {
  const [place] = member.places
  if (!place || member.base.length > 0) return undefined
  if (heads.length > 1 && member.action === 'insert') return undefined
  const isPassed = heads.some((head) => {
    const [other, more] = head.places
    return other && !more && isBefore(round, place, other)
  })
  return isPassed ? [] : undefined
}

function isBefore(round: Round, earlier: Member['places'][number], later: Member['places'][number]): boolean {
  if (earlier.chain === later.chain) return comparePlaces(earlier, later) < 0
  return round.places.lineage(later.chain).some(({ chain, seq }) => chain === earlier.chain && earlier.seq <= seq)
}
