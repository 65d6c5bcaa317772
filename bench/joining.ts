import { foundTestStudy, type TestStudy } from '../test/fixtures/study.ts'
import { Driver } from './driver.ts'
import { FieldLaptop } from './field-laptop.ts'
import { recordThere, tubeLine, tubeSettings } from './tubes.ts'
import { changeLines } from './workload.ts'

/** From a laptop's first announcement to its first line on the driver's page, in milliseconds. */
export interface Joining {
  /** Pending on the laptop. */
  changes: number
  median: number
  worst: number
}

/** Of the pending changes, how many are requisitions of tubes. */
const tubes = 100

/** A laptop with changes that nobody has taken yet joins a driver whose program runs already; each time another laptop. */
export async function measureJoining(changes: number, times: number): Promise<Joining> {
  const study = await foundTestStudy()
  await study.publish(() => tubeSettings)
  const driver = new Driver((await study.enrol('relay', 'driver')).data)
  try {
    await driver.openPage()
    const took: number[] = []
    for (let time = 0; time < times; time++) took.push(await joinOnce(study, driver, `lap-${time}`, changes))
    const sorted = took.sort((a, b) => a - b)
    return { changes, median: sorted[Math.floor(times / 2)] ?? Number.NaN, worst: sorted.at(-1) ?? Number.NaN }
  } finally {
    await driver.stop()
    study.dispose()
  }
}

async function joinOnce(study: TestStudy, driver: Driver, name: string, changes: number): Promise<number> {
  const device = await study.enrol('field', name)
  const requisitions = Array.from({ length: tubes }, (_, number) => tubeLine(number))
  await recordThere(device, [...changeLines(name, changes - tubes), ...requisitions])
  const laptop = new FieldLaptop(name, device.data)
  try {
    const shown = driver.expects(device.device, 1)
    return (await shown) - (await laptop.ready)
  } finally {
    await laptop.stop()
  }
}
