import t from 'tap'
import { whyNoHotspot } from '../fixtures/hotspot-ability.ts'
import { waybill } from '../fixtures/hotspot-command.ts'
import { FieldDay } from '../fixtures/hotspot-field-day.ts'
import type { HotspotProgram } from '../fixtures/hotspot-program.ts'

t.setTimeout(180_000)

t.test(
  'invariant 7: nothing is exchanged with another study on the same hotspot, even where a person gave its address',
  { skip: whyNoHotspot() },
  async (t) => {
    const ours = await FieldDay.begin(t)
    const theirs = await FieldDay.begin(t, ours.air)
    const server = await ours.server('10.77.0.5')
    const told = ['--servers', '10.77.0.5:7460']
    const stranger = await theirs.laptop('stranger-1', { address: '10.77.0.31', changes: 50, flags: told })
    // As the hotspot it is knocked at by everyone.
    const relay = await ours.relay('10.77.0.1', '--peers', '10.77.0.31:7440')
    const quiet = await theirs.laptop('stranger-2', { address: '10.77.0.32', changes: 50 })
    const laptop = await ours.laptop('lap-01', { address: '10.77.0.11', changes: 100 })

    await ours.untilDelivered(laptop)
    const tried = (program: HotspotProgram, address: string) =>
      ours.until(`${address} was tried`, () => program.output().includes(`"${address}"`))
    await tried(stranger.program, '10.77.0.5:7460')
    await tried(relay.program, '10.77.0.31:7440')
    const isRefused = () => /"code":"CREDENTIAL_REFUSED".*a connection was refused/.test(relay.program.output())
    await ours.until('the relay opens to no knock of the strangers', isRefused)

    await ours.expectEachOnce(t)
    for (const { data } of [stranger, quiet]) {
      const { counts, peers } = JSON.parse(await waybill(['status', '--data', data, '--json']))
      t.strictSame(counts.outbox, { changes: 50, batches: 0 }, 'nobody made it seal, and nobody signed for anything')
      t.strictSame(peers, [], 'it met nobody')
    }
    t.notMatch(relay.program.output(), /10\.77\.0\.32/, 'an announcement of another study is no reason to call there')
    await ours.untilRelay(relay, 'only our own were met', ({ peers }) => {
      const met = peers.map(({ device }) => device).sort()
      return JSON.stringify(met) === JSON.stringify([laptop.device, server.device].sort())
    })
  },
)
