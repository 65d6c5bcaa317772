import t from 'tap'
import { whyNoHotspot } from '../fixtures/hotspot-ability.ts'
import { FieldDay } from '../fixtures/hotspot-field-day.ts'

t.setTimeout(120_000)

t.test(
  'house rule 7: laptops that join after the relay started are found by mDNS, pulled and delivered',
  { skip: whyNoHotspot() },
  async (t) => {
    const day = await FieldDay.begin(t)
    const relay = await day.relay('10.77.0.20')
    await day.server('10.77.0.5')
    const laptops = []
    for (const [name, address] of [
      ['lap-01', '10.77.0.11'],
      ['lap-02', '10.77.0.12'],
      ['lap-03', '10.77.0.13'],
    ] as const) {
      const laptop = await day.laptop(name, address)
      await day.record(laptop, 300)
      laptops.push(laptop)
    }
    // Nobody has the first address of the subnet, and nobody was told an address: only announcements can find them.
    for (const laptop of laptops) await day.untilDelivered(laptop)
    await day.expectEachOnce(t)
    await day.untilRelay(relay, 'three laptops and the server met', ({ peers }) => peers.length === 4)
    for (const { program } of [...laptops, relay]) t.equal(await program.stop(), 0, 'ends cleanly')
  },
)
