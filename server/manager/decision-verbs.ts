import { WaybillError } from '../../shared/service/errors.ts'
import type { Account } from '../accounts.ts'
import { appendAct } from '../acts.ts'
import type { ServerContext } from '../app.ts'
import { listConflicts, resolveConflict, showConflict } from '../conflicts.ts'
import { findByPk, recordAt } from '../find-records.ts'
import { listDuplicates, listMerges, mergeRecords, retractMerge } from '../merge.ts'
import { discardChange, listAside, retryChange, showChange } from '../quarantine.ts'
import { rightsOf } from '../rights.ts'
import type { DecisionVerbs } from '../routes/decision-routes.ts'
import { visibleFields } from '../visible-fields.ts'
import { entryTold, labelOf, nameOf } from './record-verbs.ts'
import { actorOf } from './study-verbs.ts'

const pageSize = 50
type DecisionAct = 'retry' | 'discard' | 'resolve' | 'merge' | 'retract'

/** What waits for a person. @param decided there is a batch to open: the decision's own */
export function decisionVerbs(context: ServerContext, decided: () => void): DecisionVerbs {
  const { store } = context
  /** The decision itself is signed and on disk first: it names who and why, whatever becomes of this line of the log. */
  const by = async (account: Account, act: DecisionAct, about: string, reason: string, deed: Promise<string>) => {
    const decision = await deed
    appendAct(store, actorOf(account), { act, about, new: { decision }, reason }, context.clock.now())
    decided()
    return decision
  }
  const who = ({ name }: Account, reason: string) => ({ user: name, reason })
  return {
    aside: async (state, after) => aside(context, state, after),
    asideChange: (account, digest) => asideChange(context, account, digest),
    retry: (account, digest, reason) =>
      by(account, 'retry', `change ${digest}`, reason, retryChange(context, who(account, reason), digest)),
    discard: (account, digest, reason) =>
      by(account, 'discard', `change ${digest}`, reason, discardChange(context, who(account, reason), digest)),
    conflicts: (after) => conflicts(context, after),
    conflict: (account, record) => conflict(context, account, record),
    resolve: async (account, record, { reason, ...resolution }) => {
      const { model, pk } = recordAt(store, record)
      const whole = { model, pk, ...resolution, fields: await wholeFields(context, model, pk, resolution) }
      const deed = resolveConflict(context, who(account, reason), whole)
      return by(account, 'resolve', `record ${model} ${pk}`, reason, deed)
    },
    duplicates: (account) => duplicates(context, account),
    merge: (account, { model, pks, reason }) => {
      const about = `records ${model} ${pks.join(', ')}`
      return by(account, 'merge', about, reason, mergeRecords(context, who(account, reason), model, pks))
    },
    retract: (account, merge, reason) =>
      by(account, 'retract', `merge ${merge}`, reason, retractMerge(context, who(account, reason), merge)),
  }
}

async function aside(context: ServerContext, state: Parameters<DecisionVerbs['aside']>[0], after: number) {
  const found = []
  for await (const entry of listAside(context, state, after)) {
    if (found.length === pageSize) return { aside: found, next: found.at(-1)?.position ?? null }
    found.push(entry)
  }
  return { aside: found, next: null }
}

/** What it says is only for who may look at records; then it is written down that it was looked at. */
async function asideChange(context: ServerContext, account: Account, digest: string) {
  const { store, shelf, clock } = context
  const { change, state, code, message, decided } = await showChange(context, digest)
  const isViewer = rightsOf(account).includes('records')
  const { id, model, pk, action, user, recordedAt } = change
  if (isViewer) appendAct(store, actorOf(account), { act: 'view', about: `change ${digest}` }, clock.now())
  return {
    ...{ digest, id, model, pk, action, state, code, message, decided, recordedAt, user: isViewer ? user : null },
    shown: isViewer ? visibleFields(shelf.document, change) : null,
  }
}

function conflicts(context: ServerContext, after: number): ReturnType<DecisionVerbs['conflicts']> {
  const found = listConflicts(context, after, pageSize + 1).map(({ ordinal, ...rest }) => ({
    record: ordinal,
    ...rest,
  }))
  const shown = found.slice(0, pageSize)
  return { conflicts: shown, next: found.length > pageSize ? (shown.at(-1)?.record ?? null) : null }
}

async function conflict(context: ServerContext, account: Account, record: number) {
  const { store, shelf, clock } = context
  const { model, pk } = recordAt(store, record)
  appendAct(store, actorOf(account), { act: 'view', about: `record ${model} ${pk}` }, clock.now())
  const { heads, differs, pks } = await showConflict(context, model, pk)
  const hidden = new Set(shelf.document.models[model]?.hidden)
  return {
    ...{ record, model, pk, pks, label: labelOf(context, model), heads: heads.map((head) => entryTold(context, head)) },
    ...{
      differs: differs.filter((name) => !hidden.has(name)),
      hiddenDiffers: differs.some((name) => hidden.has(name)),
    },
  }
}

/** The fields of the head that was chosen, with those that the person wrote over it; what is hidden from people stays that head's. */
async function wholeFields(
  context: ServerContext,
  model: string,
  pk: string,
  { head, fields }: { head: string; fields: Record<string, unknown> },
): Promise<Record<string, unknown> | undefined> {
  if (Object.keys(fields).length === 0) return undefined
  const { heads } = await showConflict(context, model, pk)
  const chosen = heads.find(({ digest }) => digest === head)
  if (!chosen) throw new WaybillError('ALREADY_DECIDED', `record ${pk} has changed since it was looked at`)
  const known = new Set(
    heads.flatMap(({ change }) => Object.keys(visibleFields(context.shelf.document, change).fields)),
  )
  const unknown = Object.keys(fields).find((name) => !known.has(name))
  if (unknown !== undefined) throw new WaybillError('BAD_REQUEST', `fields: ${unknown} is not one that is shown`)
  return { ...chosen.change.fields, ...fields }
}

async function duplicates(context: ServerContext, account: Account) {
  const { store, shelf, clock } = context
  const found = []
  let isAll = true
  appendAct(store, actorOf(account), { act: 'view', about: 'duplicates' }, clock.now())
  for await (const { model, records } of listDuplicates(context)) {
    if (found.length === pageSize) {
      isAll = false
      break
    }
    const shown = records.map((one) => ({
      ...{ ...visibleFields(shelf.document, one), record: findByPk(store, model, one.pk)[0]?.record ?? 0, pk: one.pk },
      ...{ producerName: nameOf(context, one.producer), user: one.user, recordedAt: one.recordedAt },
    }))
    found.push({ model, label: labelOf(context, model), records: shown })
  }
  return { duplicates: found, isAll, merges: await listMerges(context) }
}
