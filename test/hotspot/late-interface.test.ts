import t from 'tap'
import { whyNoHotspot } from '../fixtures/hotspot-ability.ts'
import { FieldDay } from '../fixtures/hotspot-field-day.ts'

t.setTimeout(180_000)

t.test(
  'house rule 7: programs that began with loopback alone find each other on an interface that appears late, or anew',
  { skip: whyNoHotspot() },
  async (t) => {
    const day = await FieldDay.begin(t)
    const server = await day.server()
    const relay = await day.relay()
    const laptop = await day.laptop('lap-01', { changes: 100 })

    laptop.node.join('10.77.0.11')
    relay.node.join('10.77.0.20')
    await day.untilRelay(relay, 'all is aboard', ({ batches }) => batches.aboard.changes === 100)
    server.node.join('10.77.0.5')
    await day.untilDelivered(laptop)

    // The relay's interface comes back under the same name and address: the old socket hears nothing of it. The laptop comes
    // back at an address that only an announcement can tell.
    await day.record(laptop, 100)
    relay.node.unplug()
    laptop.node.unplug()
    relay.node.join('10.77.0.20')
    laptop.node.join('10.77.0.12')
    await day.untilDelivered(laptop)
    await day.expectEachOnce(t)
    for (const { program } of [laptop, relay, server]) t.ok(program.isRunning(), 'no program was started again')
  },
)
