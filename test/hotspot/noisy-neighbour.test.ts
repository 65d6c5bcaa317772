import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { whyNoHotspot } from '../fixtures/hotspot-ability.ts'
import { FieldDay } from '../fixtures/hotspot-field-day.ts'

t.setTimeout(180_000)

const noise = fileURLToPath(new URL('../fixtures/hotspot-noise.ts', import.meta.url))

t.test(
  'invariant 8: a neighbour that announces a hundred nodes that are not there does not hide the server',
  { skip: whyNoHotspot() },
  async (t) => {
    const day = await FieldDay.begin(t)
    const laptop = await day.laptop('lap-01', { address: '10.77.0.11', changes: 100, flags: [] })
    const neighbour = day.air.node('neighbour')
    neighbour.join('10.77.0.66')
    const command = [process.execPath, noise, day.study.study, '10.77.0.66', '100']
    const program = neighbour.start(command, join(day.study.directory, 'noise.log'))
    await day.until('all is announced', () => program.output().includes('all announced'))
    const tried = () => new Set(laptop.program.output().match(/10\.77\.0\.66:\d+/g)).size
    await day.until('the laptop has tried as many as it remembers', () => tried() >= 64)
    await day.server('10.77.0.5')
    await day.untilDelivered(laptop)
    await day.expectEachOnce(t)
  },
)
