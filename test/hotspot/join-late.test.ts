import t from 'tap'
import { whyNoHotspot } from '../fixtures/hotspot-ability.ts'
import { FieldDay } from '../fixtures/hotspot-field-day.ts'

t.setTimeout(180_000)

t.test(
  'house rule 7: laptops that join after the relay started are found by mDNS, pulled and delivered',
  { skip: whyNoHotspot() },
  async (t) => {
    const day = await FieldDay.begin(t)
    const relay = await day.relay('10.77.0.20')
    // Nobody has the first address of the subnet, and nobody was told an address: only announcements can find them.
    const laptops = [
      await day.laptop('lap-01', { address: '10.77.0.11', changes: 300 }),
      await day.laptop('lap-02', { address: '10.77.0.12', changes: 700 }),
      await day.laptop('lap-03', { address: '10.77.0.13', changes: 1 }),
    ]
    await day.untilRelay(relay, 'all is aboard', ({ batches }) => batches.aboard.changes === 1001)
    await day.server('10.77.0.5')
    for (const laptop of laptops) await day.untilDelivered(laptop)
    await day.expectEachOnce(t)
    for (const { program } of [...laptops, relay]) t.equal(await program.stop(), 0, 'ends cleanly')
  },
)
