import { countUnsealed } from '../daemon/list-models.ts'
import { countModels } from '../server/list-models.ts'
import { readIdentity } from '../shared/crypto/identity.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { isOffline, type Models } from '../study/check-models.ts'
import { openLaptop } from './open-laptop.ts'
import { openServer } from './open-server.ts'
import { say, sayJson, sayTable } from './print.ts'

interface Options {
  data: string
  app?: string
  offline?: true
  notOffline?: true
  historical: boolean
  json?: true
}

/** What is known of one model: what the registry says, and what this device has of it. */
interface ModelRow {
  model: string
  registered: boolean
  offline: boolean
  label: string | null
  naturalKey: string[] | null
  dependsOn: Record<string, string>
  requisition: boolean
  counts: Record<string, number>
}

/** The registry in force, and what this device can count of each model without opening what is sealed. */
interface Known {
  models: Models
  version: number
  titles: Record<string, string>
  counts: Map<string, Record<string, number>>
}

/** @throws ROLE_REFUSED on a driver's laptop, which can read no change */
export async function listModels(options: Options): Promise<void> {
  const { role } = readIdentity(options.data)
  if (role === 'relay') throw new WaybillError('ROLE_REFUSED', 'a relay can read no change, and knows of no model')
  const known = role === 'field' ? await onLaptop(options.data) : await onServer(options.data)
  const rows = rowsOf(known).filter((row) => isWanted(row, options))
  if (options.json) sayJson({ studyVersion: known.version, models: rows })
  else tell(rows, known, role === 'field')
}

async function onServer(data: string): Promise<Known> {
  const { store, shelf, close } = await openServer(data)
  const { models, version } = shelf.document
  const counts = new Map([...countModels(store)].map(([model, found]) => [model, { ...found }]))
  close()
  const titles = { records: 'records', waiting: 'waiting', held: 'held', quarantined: 'set aside' }
  return { models, version, titles, counts }
}

async function onLaptop(data: string): Promise<Known> {
  const { store, shelf, close } = await openLaptop(data)
  const { models, version } = shelf.document
  const counts = new Map([...countUnsealed(store)].map(([model, notSealed]) => [model, { notSealed }]))
  close()
  return { models, version, titles: { notSealed: 'not sealed' }, counts }
}

function rowsOf({ models, titles, counts }: Known): ModelRow[] {
  const none = Object.fromEntries(Object.keys(titles).map((what) => [what, 0]))
  const all = new Set([...Object.keys(models), ...counts.keys()])
  return [...all].sort().map((model) => {
    const registered = Object.hasOwn(models, model) ? models[model] : undefined
    return {
      model,
      registered: registered !== undefined,
      offline: registered !== undefined && isOffline(registered),
      label: registered?.label ?? null,
      naturalKey: registered?.naturalKey ?? null,
      dependsOn: registered?.dependsOn ?? {},
      requisition: registered?.requisition !== undefined,
      counts: { ...none, ...counts.get(model) },
    }
  })
}

function isWanted({ model, offline }: ModelRow, options: Options): boolean {
  const { app, historical } = options
  if (app !== undefined && !model.startsWith(`${app}.`)) return false
  if (!historical && isHistorical(model)) return false
  return !(options.offline && !offline) && !(options.notOffline && offline)
}

/** As django-simple-history names what it makes of a model. */
function isHistorical(model: string): boolean {
  return /(^|\.)historical[^.]*$/i.test(model)
}

function tell(rows: ModelRow[], { titles, version }: Known, isLaptop: boolean): void {
  const counted = Object.keys(titles)
  sayTable(
    ['model', 'offline', 'natural key', 'depends on', ...Object.values(titles)],
    rows.map(({ model, registered, offline, naturalKey, dependsOn, counts }) => [
      model,
      registered ? (offline ? 'yes' : 'no') : 'not registered',
      naturalKey?.join(', ') || '-',
      [...new Set(Object.values(dependsOn))].join(', ') || '-',
      ...counted.map((what) => counts[what] ?? 0),
    ]),
  )
  say(
    `${rows.filter(({ registered }) => registered).length} registered in version ${version} of the study configuration`,
  )
  if (isLaptop) say('Of what is sealed, this laptop keeps no model: only what is not sealed yet is counted.')
}
