import type { DaemonStore } from './open-store.ts'

/**
 * How many changes of each model are not sealed yet. Of what is sealed a laptop keeps neither text nor model: it can say no more than
 * this.
 */
export function countUnsealed({ $client }: DaemonStore): Map<string, number> {
  const rows = $client
    .prepare<[], { model: string; count: number }>(
      "SELECT json_extract(line, '$.model') model, count(*) count FROM outbox GROUP BY 1",
    )
    .all()
  return new Map(rows.map(({ model, count }) => [model, count]))
}
