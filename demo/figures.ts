import { setTimeout as pause } from 'node:timers/promises'
import type { HandedOver } from './hand-over.ts'
import { laptops } from './laptops.ts'
import { type SampleChange, sampleChanges } from './sample-data.ts'
import { waybill } from './waybill.ts'

const deadlineMs = 60_000
const everyMs = 200

/** One laptop's journey, each figure from the end that can know it. */
export interface LaptopFigures {
  laptop: string
  /** What the app gave, counted from the sample itself. */
  changes: number
  /** Of these, at the server: from `waybill changes`. */
  opened: number
  missing: number
  doubled: number
  /** Of these, in records that show at the server what the app said last: from `waybill records`. */
  applied: number
  batches: number
  /** Batches that the middleman signed for, that the server signed for, and that the laptop has receipts of. */
  pulled: number
  forwarded: number
  delivered: number
  receiptsBack: number
  /** Tubes that went into the cool box, from the assistant's page; and what the server has of them, signed. */
  tubes: number
  tubesMissing: number
  tubesAtServer: number
}

/** Counts at both ends, by the commands that any user has. */
export async function countFigures(at: (name: string) => string, handedOver: HandedOver[]): Promise<LaptopFigures[]> {
  const arrived = await arrivedChanges(at('server'))
  const shown = await shownChanges(at('server'))
  const relay = JSON.parse(await waybill(['status', '--json', '--data', at('driver')]))
  const server = JSON.parse(await waybill(['status', '--json', '--data', at('server')]))
  const figures: LaptopFigures[] = []
  for (const { name, site, changes } of laptops) {
    const receipts = JSON.parse(await waybill(['receipts', '--json', '--data', at(name)])) as Array<{ state: string }>
    const carried = relay.peers.find((peer: { name: string }) => peer.name === name)?.batches ?? {}
    const chain = server.chains.find((known: { name: string }) => known.name === name) ?? { through: 0 }
    const sample = [...sampleChanges(name, site, changes)]
    const given = sample.map(({ id }) => arrived.get(id) ?? 0)
    const went = handedOver.find(({ laptop }) => laptop === name)
    const known = server.handovers.tubes.find(({ device }: { device: string }) => device === chain.producer)
    figures.push({
      laptop: name,
      changes: given.length,
      opened: given.filter((times) => times > 0).length,
      missing: given.filter((times) => times === 0).length,
      doubled: given.filter((times) => times > 1).length,
      applied: countApplied(sample, shown),
      batches: receipts.length,
      pulled: sum(carried.aboard, carried.forwarded, carried.delivered),
      forwarded: sum(carried.forwarded, carried.delivered),
      delivered: chain.through,
      receiptsBack: receipts.filter(({ state }) => state === 'delivered' || state === 'safe').length,
      tubes: went?.tubes ?? 0,
      tubesMissing: went?.missing ?? 0,
      tubesAtServer: known?.tubes ?? 0,
    })
  }
  return figures
}

/** How often each change id is in the server's feed. */
async function arrivedChanges(data: string): Promise<Map<string, number>> {
  const times = new Map<string, number>()
  for (const line of (await waybill(['changes', '--data', data])).split('\n').filter((text) => text !== '')) {
    const { id } = JSON.parse(line).change
    times.set(id, (times.get(id) ?? 0) + 1)
  }
  return times
}

/** Which change each record shows, when all that was opened is applied. */
async function shownChanges(data: string): Promise<Map<string, string>> {
  for (const end = performance.now() + deadlineMs; performance.now() < end; await pause(everyMs)) {
    const { records } = JSON.parse(await waybill(['status', '--json', '--data', data]))
    if (records.toApply === 0) break
  }
  const lines = (await waybill(['records', '--data', data])).split('\n').filter((text) => text !== '')
  return new Map(
    lines.map((line): [string, string] => {
      const { model, pk, change } = JSON.parse(line)
      return [`${model} ${pk}`, change]
    }),
  )
}

/** A record that shows its last change has taken in those before it. */
function countApplied(sample: SampleChange[], shown: Map<string, string>): number {
  const last = new Map(sample.map(({ model, pk, id }) => [`${model} ${pk}`, id]))
  return sample.filter(({ model, pk }) => shown.get(`${model} ${pk}`) === last.get(`${model} ${pk}`)).length
}

function sum(...counts: Array<{ batches: number } | undefined>): number {
  return counts.reduce((all, count) => all + (count?.batches ?? 0), 0)
}

const columns: Array<keyof LaptopFigures> = [
  'laptop',
  'changes',
  'applied',
  'batches',
  'pulled',
  'forwarded',
  'delivered',
  'receiptsBack',
  'tubes',
  'tubesAtServer',
]
const titles = [
  'laptop',
  'changes',
  'applied',
  'batches',
  'pulled',
  'forwarded',
  'delivered',
  'receipts back',
  'tubes',
  'tubes there',
]

/** The table at the end. */
export function tellFigures(figures: LaptopFigures[], tell: (line: string) => void): void {
  tell(`   ${titles.map((title) => title.padStart(14)).join('')}`)
  for (const figure of figures) tell(`   ${columns.map((column) => String(figure[column]).padStart(14)).join('')}`)
}

/** Whether every change is at the server once and applied, and every receipt back. */
export function checkFigures(figures: LaptopFigures[], tell: (line: string) => void): boolean {
  const total = (of: keyof LaptopFigures) => figures.reduce((all, figure) => all + Number(figure[of]), 0)
  const isWhole =
    total('missing') + total('doubled') === 0 &&
    total('applied') === total('changes') &&
    total('receiptsBack') === total('batches') &&
    total('tubes') > 0 &&
    figures.every(({ tubes, tubesAtServer }) => tubes === tubesAtServer)
  tell(
    `   ${total('changes')} changes: ${total('missing')} missing, ${total('doubled')} doubled, ${total('applied')} applied; ${total('tubes')} tubes handed over, ${total('tubesMissing')} missing${isWhole ? '' : '  <- THIS IS WRONG'}`,
  )
  return isWhole
}
