import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { eq } from 'drizzle-orm'
import t from 'tap'
import { openRelay } from '../../commands/open-relay.ts'
import { manifests } from '../../relay/schema.ts'
import type { PeerStatus } from '../../relay/status.ts'
import { whyNoHotspot } from '../fixtures/hotspot-ability.ts'
import { FieldDay } from '../fixtures/hotspot-field-day.ts'

t.setTimeout(180_000)

const megabyte = 1_000_000

t.test(
  'invariant 2: a laptop that vanishes in a pull and returns is pulled on from where it broke, every change once',
  { skip: whyNoHotspot('tc') },
  async (t) => {
    const day = await FieldDay.begin(t)
    await day.server('10.77.0.5')
    const other = await day.laptop('lap-02', { address: '10.77.0.12', changes: 100 })
    const laptop = await day.laptop('lap-01', { changes: 80, noteBytes: 60_000 })
    laptop.node.join('10.77.0.11')
    laptop.node.limit(3)
    const relay = await day.relay('10.77.0.20')

    const isMidway = () => stored(relay.data, '') > 1.5 * megabyte && isHalf(smallest(relay.data, '.part'))
    await day.until('some batches are here, and a good part of another', isMidway)
    laptop.node.walkAway()
    await day.record(other, 100)
    await day.untilDelivered(other)
    const isLost = ({ device, code }: PeerStatus) => device === laptop.device && code === 'PEER_UNREACHABLE'
    await day.untilRelay(relay, 'the pull has ended', ({ peers }) => peers.some(isLost))
    const kept = stored(relay.data, '.part')
    const missing = (await unfinished(relay.data)) - kept
    t.ok(kept > 0.3 * megabyte, `the relay keeps the ${kept} bytes that came of a batch that is not whole`)
    t.ok(missing > megabyte, `${missing} bytes are still on the laptop`)

    const before = relay.node.received()
    laptop.node.limit(undefined)
    laptop.node.comeBack()
    await day.untilDelivered(laptop)
    const came = relay.node.received() - before
    t.ok(came < missing * 1.08 + kept / 2, `goes on where it broke: ${came} bytes came in the end, headers and all`)
    await day.expectEachOnce(t)
  },
)

/** Neither a whole payload, which has nearly a megabyte here, nor only a little of it. */
function isHalf(bytes: number): boolean {
  return bytes > 0.3 * megabyte && bytes < 0.6 * megabyte
}

/** Bytes of the payload that is on its way; the others that came with it are whole, and get their names together with it. */
function smallest(data: string, ending: string): number {
  return Math.min(...sizes(data, ending))
}

/** Bytes of the files whose names end so. */
function stored(data: string, ending: string): number {
  return sizes(data, ending).reduce((sum, size) => sum + size, 0)
}

function sizes(data: string, ending: string): number[] {
  const directory = join(data, 'payloads')
  if (!existsSync(directory)) return []
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0)
}

/** Bytes of all payloads that are not whole, as their manifests tell them. */
async function unfinished(data: string): Promise<number> {
  const { store, close } = await openRelay(data)
  const rows = store.select().from(manifests).where(eq(manifests.state, 'pulling')).all()
  close()
  return rows.reduce((sum, { payloadSize }) => sum + payloadSize, 0)
}
