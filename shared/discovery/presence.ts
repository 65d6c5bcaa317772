import bonjour, { type Bonjour } from 'bonjour-service'
import { announcementText, readAnnouncement, serviceSuffix, serviceType, studyTag } from '../protocol/announcement.ts'
import type { LocalAddress } from './interfaces.ts'
import type { NeighbourhoodOptions } from './neighbourhood.ts'

/** A peer's announcement or goodbye. The address is the sender's own, not what it wrote. */
export interface Heard {
  kind: 'seen' | 'goodbye'
  instance: string
  address: string
  port: number
  /** Of our study, by its tag. */
  ours: boolean
}

/** This node on one address. */
export interface Presence {
  local: LocalAddress
  ask(): void
  error(): string | null
  close(): Promise<void>
}

interface Packet {
  answers: ResourceRecord[]
  additionals: ResourceRecord[]
}
interface ResourceRecord {
  name: string
  type: string
  ttl?: number
  data: unknown
}
/** The multicast socket that bonjour-service keeps; its types leave it out. */
interface Multicast {
  on(event: 'response', listener: (packet: Packet, from: { address: string }) => void): void
  on(event: 'error' | 'warning', listener: (error: Error) => void): void
}

const { Bonjour: BonjourService } = bonjour as unknown as { Bonjour: typeof Bonjour }
const goodbyeMs = 1_000
const mostRecords = 64

/**
 * Announces and listens on one address. One instance an address, no probing, one service: the ways round the defects of
 * bonjour-service 1.4.4 on a hotspot without a default route.
 */
export function startPresence(local: LocalAddress, options: NeighbourhoodOptions): Presence {
  let broken: string | null = null
  const fail = (error: Error) => {
    broken = error.message
  }
  const settings = { interface: local.address, bind: '0.0.0.0' }
  const service = new BonjourService(settings as never, fail)
  const { mdns } = (service as unknown as { server: { mdns: Multicast } }).server
  mdns.on('error', fail)
  mdns.on('warning', (error) => options.logger.debug({ address: local.address, reason: error.message }, 'mDNS'))
  mdns.on('response', (packet, from) => {
    for (const event of readPacket(packet, from.address, options)) options.heard(event)
  })
  const browser = service.find({ type: serviceType })
  if (options.port !== undefined) announce(service, options.port, options)
  return { local, ask: () => browser.update(), error: () => broken, close: () => goodbye(service) }
}

function announce(service: Bonjour, port: number, { study, instance }: NeighbourhoodOptions): void {
  const host = `${instance}.local`
  service.publish({
    name: instance,
    type: serviceType,
    port,
    host,
    txt: announcementText(study),
    probe: false,
    disableIPv6: true,
  })
}

function readPacket(packet: Packet, address: string, { study, instance }: NeighbourhoodOptions): Heard[] {
  const records = [...packet.answers, ...packet.additionals].slice(0, mostRecords)
  const heard: Heard[] = []
  for (const { name, type, ttl, data } of records) {
    const service = instanceOf(name)
    if (type !== 'SRV' || service === undefined || service === instance) continue
    const port = (data as { port?: unknown } | null)?.port
    if (typeof port !== 'number' || port < 1 || port > 65_535) continue
    const text = records.find((record) => record.type === 'TXT' && instanceOf(record.name) === service)?.data
    const ours = readAnnouncement(text)?.tag === studyTag(study)
    heard.push({ kind: ttl === 0 ? 'goodbye' : 'seen', instance: service, address, port, ours })
  }
  return heard
}

function instanceOf(name: string): string | undefined {
  const lower = name.toLowerCase()
  if (!lower.endsWith(serviceSuffix)) return undefined
  const instance = lower.slice(0, -serviceSuffix.length)
  return /^[0-9a-f]{1,64}$/.test(instance) ? instance : undefined
}

/** Goodbyes may never be sent where the network is gone: closing does not wait for them for long. */
async function goodbye(service: Bonjour): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, goodbyeMs)
    service.unpublishAll(() => {
      clearTimeout(timer)
      resolve()
    })
  })
  await new Promise<void>((resolve) => service.destroy(() => resolve()))
}
