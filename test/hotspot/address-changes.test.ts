import t from 'tap'
import { whyNoHotspot } from '../fixtures/hotspot-ability.ts'
import { FieldDay } from '../fixtures/hotspot-field-day.ts'

t.setTimeout(180_000)

t.test(
  'invariant 2: the laptop gets another address, then everyone on another network, and every change arrives once',
  { skip: whyNoHotspot() },
  async (t) => {
    const day = await FieldDay.begin(t)
    await day.server('10.77.0.5')
    const relay = await day.relay('10.77.0.20')
    const laptop = await day.laptop('lap-01', { address: '10.77.0.11', changes: 100 })
    await day.untilDelivered(laptop)
    const metAt = (address: string) =>
      day.untilRelay(relay, `the laptop is met at ${address}`, ({ peers }) =>
        peers.some((peer) => peer.device === laptop.device && peer.address === address && peer.state !== 'failing'),
      )

    await day.record(laptop, 100)
    laptop.node.readdress('10.77.0.12')
    await metAt('10.77.0.12:7440')
    await day.untilDelivered(laptop)

    await day.record(laptop, 100)
    relay.node.readdress('10.88.0.20')
    laptop.node.readdress('10.88.0.12')
    await metAt('10.88.0.12:7440')
    await day.untilRelay(
      relay,
      'all is aboard, out of reach of the server',
      ({ batches }) => batches.aboard.changes === 100,
    )
    relay.node.readdress('10.77.0.21')
    laptop.node.readdress('10.77.0.12')
    await day.untilDelivered(laptop)
    await day.expectEachOnce(t)
  },
)
