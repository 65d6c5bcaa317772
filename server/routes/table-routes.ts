import { Readable } from 'node:stream'
import type { TSchema } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import type { Account } from '../accounts.ts'
import type { Right } from '../rights.ts'
import { type Cell, type Row, writeTable } from '../tables.ts'

/** A table that people take along as a file. */
export interface Table<Query = unknown> {
  name: string
  right: Right
  query: TSchema
  columns(query: Query): string[] | Promise<string[]>
  rows(query: Query): Iterable<Row> | AsyncIterable<Row>
  cell?: Cell
}

const types = { csv: 'text/csv; charset=utf-8; header=present', json: 'application/json; charset=utf-8' } as const

/** Each table as CSV and as JSON; `note` writes down who takes it, before the first byte. */
export function tableRoutes(
  scope: FastifyInstance,
  tables: Table[],
  note: (account: Account, table: string, query: unknown) => void,
): void {
  for (const { name, right, query: querystring, columns, rows, cell } of tables)
    for (const form of ['csv', 'json'] as const)
      scope.get(
        `/v1/manager/tables/${name}.${form}`,
        { config: { right }, schema: { querystring } },
        async ({ account, query }, reply) => {
          const heads = await columns(query)
          note(account, `${name}.${form}`, query)
          reply.type(types[form]).header('content-disposition', `attachment; filename="${name}.${form}"`)
          return reply.send(Readable.from(writeTable(form, heads, rows(query), cell)))
        },
      )
}
