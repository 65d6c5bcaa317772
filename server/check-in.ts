import { deviceOf, type Identity } from '../shared/crypto/identity.ts'
import type { StudyDocument } from '../shared/protocol/study-document.ts'
import { dayOf } from './calendar.ts'
import type { ServerStore } from './open-store.ts'
import { type Undelivered, undelivered } from './undelivered.ts'

/** A meeting, as people read of it. */
export interface MeetingTold {
  by: string
  byName: string
  /** Whether the laptop was here itself. */
  isHere: boolean
  at: string
  heardAt: string
  seq: number
  unsealed: number
}

/** How a device stands this evening. `clear`: seen today, and all that anybody knows of has arrived. */
export interface CheckIn {
  device: string
  name: string
  role: 'field' | 'relay'
  site: string | null
  state: 'clear' | 'undelivered' | 'notSeen' | 'never' | 'revoked'
  changesAtMost: number
  numbers: number
  unsealed: number
  hereUntil: string | null
  /** Arrived and not opened yet, or kept for a person. */
  notOpened: number
  lastMet: MeetingTold | null
  /** Drivers who met it when it had what is not here: they may have it. */
  mayBeWith: string[]
}

/** What the board needs to know. */
export interface BoardContext {
  store: ServerStore
  identity: Identity
}

interface MeetingRow {
  device: string
  by: string
  at: string
  heardAt: string
  seq: number
  unsealed: number
}

const worst = ['undelivered', 'notSeen', 'never', 'clear', 'revoked']

/**
 * The evening's board: each laptop and each driver, those first that somebody has to ask for.
 * @param today the day that it is here, YYYY-MM-DD
 */
export function checkInBoard({ store, identity }: BoardContext, study: StudyDocument, today: string): CheckIn[] {
  const pending = undelivered(store, study.limits.batchChanges)
  const meetings = meetingsOf(store, study, deviceOf(identity))
  const notOpened = notOpenedOf(store)
  const revoked = new Set(study.revocations.map(({ device }) => device))
  return Object.entries(study.devices)
    .flatMap(([device, { name, role, site }]) => {
      if (role !== 'field' && role !== 'relay') return []
      const met = meetings.get(device) ?? []
      const about = {
        ...totalOf(pending.get(device) ?? []),
        lastMet: met[0] ?? null,
        notOpened: notOpened.get(device) ?? 0,
      }
      const isToday = about.lastMet !== null && dayOf(timeOf(about.lastMet)) === today
      const state = revoked.has(device) ? 'revoked' : stateOf(about, isToday)
      return [
        { device, name, role, site, state, ...about, mayBeWith: mayBeWith(pending.get(device) ?? [], met) } as const,
      ]
    })
    .toSorted((a, b) => worst.indexOf(a.state) - worst.indexOf(b.state) || a.name.localeCompare(b.name))
}

/** A driver's clock may be ahead: the meeting was before this server heard of it. */
export function timeOf({ at, heardAt }: MeetingTold): string {
  return at < heardAt ? at : heardAt
}

function stateOf(
  { lastMet, changesAtMost }: Pick<CheckIn, 'lastMet' | 'changesAtMost'>,
  isToday: boolean,
): CheckIn['state'] {
  if (!lastMet) return 'never'
  if (!isToday) return 'notSeen'
  return changesAtMost > 0 ? 'undelivered' : 'clear'
}

function totalOf(chains: Undelivered[]): Pick<CheckIn, 'changesAtMost' | 'numbers' | 'unsealed' | 'hereUntil'> {
  const sum = (field: 'changesAtMost' | 'numbers' | 'unsealed') => chains.reduce((all, chain) => all + chain[field], 0)
  const times = chains.map(({ hereUntil }) => hereUntil)
  const [earliest = null] = times.includes(null) ? [] : times.toSorted()
  return {
    changesAtMost: sum('changesAtMost'),
    numbers: sum('numbers'),
    unsealed: sum('unsealed'),
    hereUntil: earliest,
  }
}

/** Who met the laptop when it had packed more than is here. */
export function mayBeWith(chains: Undelivered[], meetings: Array<MeetingTold & { chain: string | null }>): string[] {
  const holders = meetings.filter(
    ({ isHere, chain, seq }) =>
      !isHere && chains.some((one) => one.chain === chain && seq >= (one.missing[0]?.[0] ?? Infinity)),
  )
  return [...new Set(holders.map(({ byName }) => byName))]
}

/** By device, the newest first. */
export function meetingsOf(
  store: ServerStore,
  study: StudyDocument,
  own: string,
): Map<string, Array<MeetingTold & { chain: string | null }>> {
  const rows = store.$client
    .prepare<[], MeetingRow & { chain: string | null }>(
      'SELECT device, by, at, heard_at heardAt, chain, seq, unsealed FROM meetings LIMIT 20000',
    )
    .all()
  const found = new Map<string, Array<MeetingTold & { chain: string | null }>>()
  for (const { device, ...row } of rows) {
    const byName = study.devices[row.by]?.name ?? row.by.slice(0, 8)
    found.set(device, [...(found.get(device) ?? []), { ...row, byName, isHere: row.by === own }])
  }
  for (const told of found.values()) told.sort((a, b) => timeOf(b).localeCompare(timeOf(a)))
  return found
}

function notOpenedOf(store: ServerStore): Map<string, number> {
  const rows = store.$client
    .prepare<[], { producer: string; changes: number }>(
      `SELECT producer, CAST(total(changes) AS INTEGER) changes FROM batches
       WHERE state IN ('ingested', 'held', 'quarantined', 'refused') GROUP BY producer`,
    )
    .all()
  return new Map(rows.map(({ producer, changes }) => [producer, changes]))
}
