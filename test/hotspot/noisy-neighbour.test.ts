import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { whyNoHotspot } from '../fixtures/hotspot-ability.ts'
import { FieldDay } from '../fixtures/hotspot-field-day.ts'
import type { HotspotNode } from '../fixtures/hotspot-node.ts'

t.setTimeout(180_000)

const noise = fileURLToPath(new URL('../fixtures/hotspot-noise.ts', import.meta.url))
const skip = whyNoHotspot('nft')

t.test("invariant 8: a neighbour's false announcements do not hide the server from a laptop", { skip }, async (t) => {
  const day = await FieldDay.begin(t)
  const laptop = await day.laptop('lap-01', { address: '10.77.0.11', changes: 100, flags: [] })
  const neighbour = day.air.node('neighbour')
  neighbour.join('10.77.0.66')
  await announceGhosts(day, neighbour, 100, ['10.77.0.66'])
  const tried = () => new Set(laptop.program.output().match(/10\.77\.0\.66:\d+/g)).size
  await day.until('the laptop has tried as many as it remembers', () => tried() >= 64)
  await day.server('10.77.0.5')
  await day.untilDelivered(laptop)
  await day.expectEachOnce(t)
})

t.test('invariant 8: those that do not answer hold up no laptop that arrives', { skip }, async (t) => {
  const day = await FieldDay.begin(t)
  const relay = await day.relay('10.77.0.20')
  const neighbour = day.air.node('neighbour')
  const addresses = Array.from({ length: 40 }, (_, index) => `10.77.0.${100 + index}`)
  neighbour.join(...addresses)
  neighbour.answerNothing()
  // Each of them costs the relay a whole time limit: they keep it busy for minutes.
  await announceGhosts(day, neighbour, 8, addresses)
  await day.until('the relay tries them', () => /"place":"10\.77\.0\.1\d\d:/.test(relay.program.output()))
  await day.laptop('lap-01', { address: '10.77.0.11', changes: 100 })
  const pulled = day.untilRelay(relay, 'the laptop is pulled', ({ batches }) => batches.aboard.changes === 100)
  await t.resolves(pulled, 'the relay found time for the laptop')
})

async function announceGhosts(day: FieldDay, node: HotspotNode, many: number, addresses: string[]): Promise<void> {
  const command = [process.execPath, noise, day.study.study, String(many), ...addresses]
  const program = node.start(command, join(day.study.directory, 'noise.log'))
  await day.until('all is announced', () => program.output().includes('all announced'))
}
