import t from 'tap'
import { whyNoHotspot } from '../fixtures/hotspot-ability.ts'
import { Avahi, type Browsed } from '../fixtures/hotspot-avahi.ts'
import { FieldDay } from '../fixtures/hotspot-field-day.ts'

t.setTimeout(180_000)

t.test(
  "avahi sees a laptop's announcement, which says nothing of people, places or counts, and its goodbye",
  { skip: whyNoHotspot('dbus-daemon', 'avahi-daemon', 'avahi-browse') },
  async (t) => {
    const day = await FieldDay.begin(t)
    const stranger = day.air.node('stranger')
    stranger.join('10.77.0.30')
    const early = await day.laptop('lap-01', { address: '10.77.0.11', changes: 7 })
    const avahi = await Avahi.browse(stranger, day.study.directory, '_waybill._tcp')
    const late = await day.laptop('lap-02', { address: '10.77.0.12' })
    const said = (event: string, instance: string) =>
      avahi.told().find((told) => told.event === event && told.instance === instance)

    for (const [laptop, address] of [
      [early, '10.77.0.11'],
      [late, '10.77.0.12'],
    ] as const) {
      const isResolved = () => said('=', laptop.device) !== undefined
      await day.until(`avahi resolves ${address}`, isResolved)
      const { text, ...found } = said('=', laptop.device) as Browsed
      const expected = { event: '=', instance: laptop.device, host: `${laptop.device}.local`, address, port: 7440 }
      t.strictSame(found, expected, 'opaque names, and the address that the laptop has here')
      const parts = text.match(/"[^"]*"/g)?.sort()
      t.strictSame(parts, [`"s=${day.study.study.slice(0, 8)}"`, '"v=1"'], 'version and a short study tag, no more')
    }
    t.equal(said('-', late.device), undefined, 'nobody said goodbye yet')
    t.equal(await late.program.stop(), 0)
    await day.until('avahi hears the goodbye', () => said('-', late.device) !== undefined)
    t.equal(said('-', early.device), undefined, 'the other laptop is still announced')
  },
)
