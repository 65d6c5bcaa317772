import type { ServerStore } from './open-store.ts'

/** What this server has of one model, registered or not. */
export interface ModelCounts {
  /** Records that are present or deleted now. */
  records: number
  /** Changes that are here and not applied: for want of a parent, of a registration, or for what is wrong with them. */
  waiting: number
  held: number
  quarantined: number
}

const none: ModelCounts = { records: 0, waiting: 0, held: 0, quarantined: 0 }

/** Counts by model, of every model that anything here is of. */
export function countModels({ $client }: ServerStore): Map<string, ModelCounts> {
  const counts = new Map<string, ModelCounts>()
  const add = (model: string, what: keyof ModelCounts, count: number) =>
    counts.set(model, { ...(counts.get(model) ?? none), [what]: count })
  const records = $client.prepare<[], { model: string; count: number }>(
    "SELECT model, count(*) count FROM records WHERE state != 'none' AND canonical IS NULL GROUP BY model",
  )
  for (const { model, count } of records.iterate()) add(model, 'records', count)
  const aside = $client.prepare<[], { model: string; state: 'waiting' | 'held' | 'quarantined'; count: number }>(
    `SELECT state, model, count(*) count FROM aside_changes WHERE state IN ('waiting', 'held', 'quarantined')
     GROUP BY state, model`,
  )
  for (const { model, state, count } of aside.iterate()) add(model, state, count)
  return counts
}
