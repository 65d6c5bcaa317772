import { Type } from '@sinclair/typebox'
import type { ServerContext } from '../app.ts'
import { listConflicts } from '../conflicts.ts'
import { listAside } from '../quarantine.ts'
import { listRecords } from '../read-records.ts'
import type { Table } from '../routes/table-routes.ts'
import type { Row } from '../tables.ts'
import { visibleFields } from '../visible-fields.ts'
import { listWaiting } from '../waiting-batches.ts'
import { nameOf } from './record-verbs.ts'

const strict = { additionalProperties: false }
const Nothing = Type.Object({}, strict)
const OfModel = Type.Object({ model: Type.String({ minLength: 1, maxLength: 200 }) }, strict)
const about = ['model', 'pk', 'state', 'naturalKey', 'conflict', 'recordedBy', 'recordedAt', 'laptop']
/** A spreadsheet has its columns before its rows: they are the fields of the first ones, and what others have besides goes into one. */
const readForColumns = 500
const atOnce = 500

/** Tables of what waits, and of the records themselves. */
export function recordTables(context: ServerContext): Table[] {
  return [
    {
      ...{ name: 'aside', right: 'aside', query: Nothing },
      columns: () => [
        ...[
          'position',
          'digest',
          'state',
          'code',
          'message',
          'model',
          'pk',
          'action',
          'producerName',
          'since',
          'decided',
        ],
      ],
      rows: () => asideRows(context),
    },
    {
      ...{ name: 'batches', right: 'aside', query: Nothing },
      columns: () => [
        ...['ordinal', 'digest', 'state', 'code', 'message', 'producerName', 'chain', 'branch', 'seq'],
        ...['changes', 'bytes', 'since', 'courier', 'decided', 'refusedBy', 'refusedFor'],
      ],
      rows: () => batchRows(context),
    },
    {
      ...{ name: 'conflicts', right: 'decide', query: Nothing },
      columns: () => ['record', 'model', 'pk', 'heads', 'since'],
      rows: () => conflictRows(context),
    },
    recordsTable(context),
  ]
}

async function* asideRows(context: ServerContext): AsyncGenerator<Row> {
  for await (const { producer: _device, batch: _batch, ...entry } of listAside(context)) yield entry
}

/** What waits, then what was refused. */
async function* batchRows(context: ServerContext): AsyncGenerator<Row> {
  for (const state of [undefined, 'refused'] as const)
    for await (const { producer: _device, refused, ...batch } of listWaiting(context, state))
      yield { ...batch, refusedBy: refused?.user ?? null, refusedFor: refused?.reason ?? null }
}

function* conflictRows(context: ServerContext): Generator<Row> {
  let after = 0
  for (
    let found = listConflicts(context, after, atOnce);
    found.length > 0;
    found = listConflicts(context, after, atOnce)
  ) {
    for (const { ordinal, ...rest } of found) yield { record: ordinal, ...rest }
    after = found.at(-1)?.ordinal ?? after
  }
}

function recordsTable(context: ServerContext): Table {
  const modelOf = (query: unknown) => (query as { model: string }).model
  return {
    ...{ name: 'records', right: 'records', query: OfModel },
    columns: async (query) => {
      const fields = new Set<string>()
      for await (const row of recordRows(context, modelOf(query), readForColumns))
        for (const name of Object.keys(row.fields as object)) fields.add(name)
      return [...about, ...[...fields].sort().map((name) => `fields.${name}`), 'otherFields']
    },
    rows: (query) => recordRows(context, modelOf(query), Number.MAX_SAFE_INTEGER),
    cell: (row, column, columns) => recordCell(row, column, columns),
  }
}

async function* recordRows(context: ServerContext, model: string, limit: number): AsyncGenerator<Row> {
  for await (const record of listRecords(context, model, '', limit)) {
    const { naturalKey, fields } = visibleFields(context.shelf.document, record)
    const { pk, state, conflict, user: recordedBy, recordedAt, producer } = record
    yield { model, pk, state, naturalKey, conflict, recordedBy, recordedAt, laptop: nameOf(context, producer), fields }
  }
}

/** A field has a column of its own, or stands with the others. */
function recordCell(row: Row, column: string, columns: readonly string[]): unknown {
  const fields = row.fields as Record<string, unknown>
  if (column.startsWith('fields.')) return fields[column.slice('fields.'.length)]
  if (column !== 'otherFields') return row[column]
  const others = Object.entries(fields).filter(([name]) => !columns.includes(`fields.${name}`))
  return others.length === 0 ? null : Object.fromEntries(others)
}
