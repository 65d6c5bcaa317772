import { setTimeout as pause } from 'node:timers/promises'
import type { PageOverview, PageView } from '../shared/web/handover-view.ts'
import type { laptops } from './laptops.ts'
import { Person } from './person.ts'

const deadlineMs = 60_000
const everyMs = 100
const driver = { id: 'thabo', name: 'Thabo' }
const pins = { driver: '2468', assistant: '1357' }
const assistants = {
  'lap-01': { id: 'neo', name: 'Neo' },
  'lap-02': { id: 'lesedi', name: 'Lesedi' },
  'lap-03': { id: 'kagiso', name: 'Kagiso' },
}

type LaptopName = (typeof laptops)[number]['name']

/** What went into the cool box at one laptop, as its assistant's page showed it when all was signed. */
export interface HandedOver {
  laptop: string
  requisitions: number
  tubes: number
  missing: number
}

/**
 * These laptops' tubes change hands, as on the pages: the driver scans, now and then the assistant does, both sign. At the second
 * laptop one tube is not there.
 */
export async function handOver(at: (name: string) => string, names: LaptopName[]): Promise<HandedOver[]> {
  const thabo = await Person.at(at('driver'))
  await takeShift(thabo, driver, pins.driver)
  const done: HandedOver[] = []
  for (const name of names) {
    const assistant = await Person.at(at(name))
    await takeShift(assistant, assistants[name], pins.assistant)
    done.push(await handOverOne(thabo, assistant, name, name === 'lap-02'))
  }
  return done
}

async function takeShift(who: Person, person: { id: string; name: string }, pin: string): Promise<void> {
  await who.post('/v1/shift', { person })
  await who.post('/v1/pin', { pin, old: null })
}

async function handOverOne(thabo: Person, assistant: Person, laptop: string, lacksOne: boolean): Promise<HandedOver> {
  const id = await begin(thabo, laptop)
  const path = `/v1/handovers/${id}`
  const isThere = async () =>
    (await assistant.get<PageOverview>('/v1/handovers')).partners.some(({ open }) => open === id)
  await until(`the handover reaches ${laptop}`, isThere)
  const { tubes } = await thabo.get<PageView>(path)
  const expected = tubes.filter(({ state }) => state === 'notYetScanned')
  for (const [index, tube] of expected.entries()) {
    const who = index % 5 === 4 ? assistant : thabo
    const isLast = index === expected.length - 1
    if (lacksOne && isLast && tube.line)
      await who.post(`${path}/acts`, { kind: 'missing', line: tube.line, reason: 'leftBehind', text: null })
    else await scan(who, path, tube.label, tube.tubes ?? 1)
  }
  await thabo.post(`${path}/acts`, { kind: 'temperature', celsius: 4.5 })
  const said = async (who: Person) => JSON.stringify(whatIsSaid(await who.get<PageView>(path)))
  await until('both pages say the same', async () => (await said(thabo)) === (await said(assistant)))
  await sign(assistant, path, pins.assistant)
  await until(`${laptop}'s signature is here`, async () => (await thabo.get<PageView>(path)).signed === 'one')
  await sign(thabo, path, pins.driver)
  await until(`both have signed for ${laptop}`, async () => (await assistant.get<PageView>(path)).isClosed)
  return figuresOf(laptop, await assistant.get<PageView>(path))
}

async function begin(thabo: Person, laptop: string): Promise<string> {
  let device = ''
  await until(`the lists of ${laptop}`, async () => {
    const { partners } = await thabo.get<PageOverview>('/v1/handovers')
    const partner = partners.find(({ name, expected }) => name === laptop && expected > 0)
    device = partner?.device ?? ''
    return partner !== undefined
  })
  return (await thabo.post<{ id: string }>('/v1/handovers', { device })).id
}

/** Every tube of a requisition bears the same label: the second scan asks how many there are, and a digit answers. */
async function scan(who: Person, path: string, label: string, tubes: number): Promise<void> {
  const read = (text: string) => who.post<{ told: string }>(`${path}/acts`, { kind: 'scan', read: text, typed: false })
  await read(`${label.slice(0, 3)}-${label.slice(3)}`)
  if (tubes === 1) return
  const { told } = await read(label)
  if (told !== 'again') throw new Error(`${label} was scanned twice, and the page says ${told}`)
  await read(`WAYBILL-${tubes}`)
}

async function sign(who: Person, path: string, pin: string): Promise<void> {
  await who.post(`${path}/signatures`, { pin, agrees: true, remark: null })
}

/** What the other laptop did last may still be on its way: people look at both pages before they sign. */
function whatIsSaid({ tubes, temperature }: PageView): unknown {
  return [temperature, ...tubes.map(({ label, state, counted }) => [label, state, counted])]
}

function figuresOf(laptop: string, { tubes }: PageView): HandedOver {
  const present = tubes.filter(({ state }) => state === 'present')
  return {
    laptop,
    requisitions: present.length,
    tubes: present.reduce((sum, { counted }) => sum + (counted ?? 0), 0),
    missing: tubes.filter(({ state }) => state === 'missing').length,
  }
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + deadlineMs; !(await holds()); await pause(everyMs))
    if (performance.now() > end) throw new Error(`waited ${deadlineMs / 1000} s in vain: ${what}`)
}
