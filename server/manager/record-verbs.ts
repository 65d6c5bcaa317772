import { appendAct } from '../acts.ts'
import type { ServerContext } from '../app.ts'
import { findNaming } from '../find-naming.ts'
import { findByNaturalKey, findByPk, recordAt } from '../find-records.ts'
import { type HistoryEntry, historyOf, listRecords, type RecordView, readRecord } from '../read-records.ts'
import type { HistoryTold, RecordVerbs } from '../routes/record-routes.ts'
import { visibleFields } from '../visible-fields.ts'
import { actorOf } from './study-verbs.ts'

const pageSize = 25
const mostEntries = 500

/** The viewer. */
export function recordVerbs(context: ServerContext): RecordVerbs {
  const { store, shelf } = context
  return {
    models: () => ({
      models: Object.entries(shelf.document.models).map(([model, { label, naturalKey }]) => ({
        ...{ model, label: label ?? null, naturalKey: naturalKey ?? [] },
      })),
    }),
    search: (account, search) => {
      // Of what was typed only the model is written down: a natural key is a clinical value.
      note(context, account, 'search', `model ${search.model}`)
      if ('after' in search) return listAll(context, search.model, search.after)
      return withKeys(
        context,
        'pk' in search
          ? findByPk(store, search.model, search.pk)
          : findByNaturalKey(store, search.model, search.naturalKey),
      )
    },
    view: (account, record) => view(context, account, record),
    history: (account, record) => history(context, account, record),
    naming: (record, after) => findNaming(store, recordAt(store, record), after),
  }
}

type Who = Parameters<RecordVerbs['view']>[0]

function note({ store, clock }: ServerContext, account: Who, act: 'search' | 'view' | 'history', about: string): void {
  appendAct(store, actorOf(account), { act, about }, clock.now())
}

async function listAll(context: ServerContext, model: string, after: string): ReturnType<RecordVerbs['search']> {
  const views = await Array.fromAsync(listRecords(context, model, after, pageSize))
  const found = views.map((one) => listed(context, one))
  return { found, next: views.length < pageSize ? null : (views.at(-1)?.pk ?? null) }
}

async function withKeys(context: ServerContext, found: ReturnType<typeof findByPk>): ReturnType<RecordVerbs['search']> {
  const views: RecordView[] = []
  for (const { model, pk } of found) views.push(await readRecord(context, model, pk))
  return { found: views.map((one) => listed(context, one)), next: null }
}

function listed({ store, shelf }: ServerContext, { model, pk, state, ...record }: RecordView) {
  const { naturalKey } = visibleFields(shelf.document, { model, ...record })
  return { record: findByPk(store, model, pk)[0]?.record ?? 0, model, pk, naturalKey, state }
}

async function view(context: ServerContext, account: Who, record: number): ReturnType<RecordVerbs['view']> {
  const { store, shelf } = context
  const found = recordAt(store, record)
  note(context, account, 'view', `record ${found.model} ${found.pk}`)
  const read = await readRecord(context, found.model, found.pk)
  const { state, conflict, pks, producer, user, recordedAt } = read
  return {
    ...{ ...found, ...visibleFields(shelf.document, read), label: labelOf(context, found.model) },
    ...{ state, conflict, pks, producerName: nameOf(context, producer), user, recordedAt },
  }
}

async function history(context: ServerContext, account: Who, record: number): ReturnType<RecordVerbs['history']> {
  const found = recordAt(context.store, record)
  note(context, account, 'history', `record ${found.model} ${found.pk}`)
  const entries: HistoryTold[] = []
  for await (const entry of historyOf(context, found.model, found.pk)) {
    if (entries.length === mostEntries) return { ...found, label: labelOf(context, found.model), entries, isAll: false }
    entries.push(entryTold(context, entry))
  }
  return { ...found, label: labelOf(context, found.model), entries, isAll: true }
}

/** A change as people may see it. */
export function entryTold(context: ServerContext, { change, producer, ...entry }: HistoryEntry): HistoryTold {
  const { id, action, user, recordedAt, reason = null } = change
  const { digest, ingestedAt, seq, state, code, isHead, isShown } = entry
  return {
    ...{ ...visibleFields(context.shelf.document, change), id, digest, action, user, recordedAt, reason, ingestedAt },
    ...{ producerName: nameOf(context, producer), seq, state, code, isHead, isShown },
  }
}

/** What people call a model. */
export function labelOf({ shelf }: ServerContext, model: string): string | null {
  return shelf.document.models[model]?.label ?? null
}

/** A device by the name that people gave it. */
export function nameOf({ shelf }: ServerContext, device: string): string {
  return shelf.document.devices[device]?.name ?? device.slice(0, 8)
}
