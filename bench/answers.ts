import { setTimeout as pause } from 'node:timers/promises'
import { PageSession } from '../test/fixtures/page-session.ts'
import { foundTestStudy, type TestStudy } from '../test/fixtures/study.ts'
import { Driver } from './driver.ts'
import { FieldLaptop } from './field-laptop.ts'
import { labelOf, recordThere, tubeLine, tubeSettings } from './tubes.ts'

/** How long the pages waited for their answers to a scan, in milliseconds, with so many lines in the handover. */
export interface Answers {
  lines: number
  median: number
  worst: number
}

/** On each of the two pages. */
const scans = 30
/** Nobody scans faster. */
const betweenMs = 200

/** Scans on the pages' own doors of a real relay and a real laptop, which meanwhile talk with each other. */
export async function measureAnswers(sizes: number[]): Promise<Answers[]> {
  const study = await foundTestStudy()
  try {
    await study.publish(() => tubeSettings)
    const measured: Answers[] = []
    for (const lines of sizes) measured.push(await measureOne(study, lines))
    return measured
  } finally {
    study.dispose()
  }
}

async function measureOne(study: TestStudy, lines: number): Promise<Answers> {
  const field = await study.enrol('field', `lap-${lines}`)
  const relay = await study.enrol('relay', `driver-${lines}`)
  const drawn = Array.from({ length: lines }, (_, number) => tubeLine(number))
  await recordThere(field, drawn)
  const laptop = new FieldLaptop(field.identity.name, field.data)
  const driver = new Driver(relay.data)
  try {
    await Promise.all([laptop.ready, driver.openPage()])
    await driver.expects(field.device, lines)
    const { id } = await driver.page.post<{ id: string }>('/v1/handovers', { device: field.device })
    const took = await scanAll(driver.page, id, lines)
    took.push(...(await scanAll(await PageSession.open(field.data, laptop.portOf('pagePort')), id, lines)))
    took.sort((a, b) => a - b)
    return { lines, median: rounded(took[Math.floor(took.length / 2)]), worst: rounded(took.at(-1)) }
  } finally {
    await driver.stop()
    await laptop.stop()
  }
}

/** The page shows the handover, and then somebody scans. @returns how long each answer took, until it was read */
async function scanAll(page: PageSession, id: string, lines: number): Promise<number[]> {
  await page.get(`/v1/handovers/${id}`)
  const took: number[] = []
  for (let number = 0; number < scans; number++) {
    await pause(betweenMs)
    const began = performance.now()
    await page.post(`/v1/handovers/${id}/acts`, { kind: 'scan', read: labelOf(number % lines), typed: false })
    took.push(performance.now() - began)
  }
  return took
}

function rounded(ms: number | undefined): number {
  return Number((ms ?? Number.NaN).toFixed(1))
}
