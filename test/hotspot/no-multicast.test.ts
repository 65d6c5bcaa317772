import t from 'tap'
import { whyNoHotspot } from '../fixtures/hotspot-ability.ts'
import { FieldDay } from '../fixtures/hotspot-field-day.ts'

t.setTimeout(180_000)

const skip = whyNoHotspot('nft')
// Where multicast is dropped, the server's address comes with the enrolment or from a person.
const server = ['--servers', '10.77.0.5:7460']

t.test('multicast dropped, the relay is the hotspot: laptops knock at it, and are delivered', { skip }, async (t) => {
  const day = await FieldDay.begin(t)
  day.air.dropMulticast()
  await day.server('10.77.0.5')
  const relay = await day.relay('10.77.0.1', ...server)
  const laptops = [
    await day.laptop('lap-01', { address: '10.77.0.11', changes: 100 }),
    await day.laptop('lap-02', { address: '10.77.0.12', changes: 200 }),
  ]
  for (const laptop of laptops) await day.untilDelivered(laptop)
  await day.expectEachOnce(t)
  await day.untilRelay(relay, 'both laptops and the server were met', ({ peers }) => peers.length === 3)
  t.ok(day.air.droppedMulticast() > 0, `${day.air.droppedMulticast()} multicast packets were dropped`)
})

t.test(
  'multicast dropped, a laptop is the hotspot: the relay tries it there, and it is delivered',
  { skip },
  async (t) => {
    const day = await FieldDay.begin(t)
    day.air.dropMulticast()
    await day.server('10.77.0.5')
    const laptop = await day.laptop('lap-01', { address: '10.77.0.1', changes: 100 })
    const relay = await day.relay('10.77.0.20', ...server)
    await day.untilDelivered(laptop)
    await day.expectEachOnce(t)
    t.ok(day.air.droppedMulticast() > 0, `${day.air.droppedMulticast()} multicast packets were dropped`)

    // It joins another laptop's hotspot, without being started again.
    await day.laptop('lap-02', { address: '10.88.0.1', changes: 100 })
    relay.node.readdress('10.88.0.20')
    await day.untilRelay(relay, 'the other laptop is pulled', ({ batches }) => batches.aboard.changes === 100)
    relay.node.readdress('10.77.0.20')
    await day.untilRelay(relay, 'what it brought is at the server', ({ batches }) => batches.delivered.changes === 200)
    await day.expectEachOnce(t)
  },
)
