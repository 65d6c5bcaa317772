import { Type } from '@sinclair/typebox'
import { listActs } from '../acts.ts'
import type { ServerContext } from '../app.ts'
import { dayOf } from '../calendar.ts'
import { checkInBoard } from '../check-in.ts'
import { missingByDay } from '../missing-by-day.ts'
import type { ServerStore } from '../open-store.ts'
import type { Table } from '../routes/table-routes.ts'
import type { Row } from '../tables.ts'

const strict = { additionalProperties: false }
const Nothing = Type.Object({}, strict)
const Day = Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\d$' })
const Span = Type.Object({ from: Day, to: Day }, strict)
const actsAtOnce = 500

/** Tables without a clinical value: the board, the days, and what people did. */
export function countTables(context: ServerContext): Table[] {
  const { store, shelf, clock } = context
  return [
    {
      ...{ name: 'board', right: 'counts', query: Nothing },
      columns: () => [
        ...['device', 'name', 'role', 'site', 'state', 'changesAtMost', 'numbers', 'unsealed', 'hereUntil'],
        ...['notOpened', 'lastMetAt', 'lastMetBy', 'mayBeWith'],
      ],
      rows: () =>
        checkInBoard(context, shelf.document, dayOf(clock.now())).map(({ lastMet, mayBeWith, ...row }) => ({
          ...{ ...row, lastMetAt: lastMet?.at ?? null, lastMetBy: lastMet?.byName ?? null },
          mayBeWith: mayBeWith.join('; '),
        })),
    },
    daysTable(context),
    {
      ...{ name: 'acts', right: 'decide', query: Nothing },
      columns: () => ['position', 'at', 'who', 'role', 'act', 'about', 'old', 'new', 'reason'],
      rows: () => allActs(store),
    },
  ]
}

function daysTable(context: ServerContext): Table {
  const rows = ({ from, to }: { from: string; to: string }) =>
    missingByDay(
      context,
      context.shelf.document,
      { from, to, model: null },
      dayOf(context.clock.now()),
    ).laptops.flatMap(({ device, name, site, days }) => days.map((day) => ({ device, name, site, ...day })))
  return {
    ...{ name: 'days', right: 'counts', query: Span },
    columns: () => ['device', 'name', 'site', 'day', 'changes', 'state'],
    rows: (query) => rows(query as { from: string; to: string }),
  }
}

/** The newest first, a page at a time. */
function* allActs(store: ServerStore): Generator<Row> {
  let before = Number.MAX_SAFE_INTEGER
  for (let acts = listActs(store, before, actsAtOnce); acts.length > 0; acts = listActs(store, before, actsAtOnce)) {
    for (const act of acts) yield { ...act }
    before = acts.at(-1)?.position ?? 0
  }
}
