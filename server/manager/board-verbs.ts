import type { ServerContext } from '../app.ts'
import { dayOf } from '../calendar.ts'
import { checkInBoard } from '../check-in.ts'
import { lossReport } from '../loss-report.ts'
import { missingByDay } from '../missing-by-day.ts'
import type { ServerStore } from '../open-store.ts'
import type { BoardVerbs } from '../routes/board-routes.ts'
import { readSkipDays, writeSkipDays } from '../skip-days.ts'
import { actorOf } from './study-verbs.ts'

const counted = ['opened', 'applied', 'waiting', 'held', 'quarantined', 'discarded', 'conflicts', 'duplicates'] as const

/** The board and its reports. */
export function boardVerbs(context: ServerContext): BoardVerbs {
  const { store, shelf, clock } = context
  return {
    loss: (device) => lossReport(context, shelf.document, device),
    days: (query) => missingByDay(context, shelf.document, query, dayOf(clock.now())),
    skipDays: () => readSkipDays(store),
    setSkipDays: (account, next) => writeSkipDays(store, actorOf(account), next, clock.now()),
  }
}

/** What the page shows live: how each laptop stands, and how much waits for a person. */
export function boardPicture(context: ServerContext) {
  const { store, shelf, identity, clock } = context
  const counts = countsOf(store)
  const { name: studyName, version: studyVersion, study } = shelf.document
  return {
    ...{ name: identity.name, role: identity.role, studyName, studyVersion, study },
    today: dayOf(clock.now()),
    board: checkInBoard(context, shelf.document, dayOf(clock.now())),
    counts: {
      ...Object.fromEntries(counted.map((name) => [name, counts.get(name) ?? 0])),
      notOpened: notOpened(store),
    },
  }
}

function countsOf(store: ServerStore): Map<string, number> {
  const rows = store.$client.prepare<[], { name: string; value: number }>('SELECT name, value FROM counts').all()
  return new Map(rows.map(({ name, value }) => [name, value]))
}

/** Batches that wait for a person: nothing of them counts until then. */
function notOpened(store: ServerStore): number {
  return (
    store.$client
      .prepare<[], { count: number }>("SELECT count(*) count FROM batches WHERE state IN ('held', 'quarantined')")
      .get()?.count ?? 0
  )
}
