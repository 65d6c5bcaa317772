import { readAnnouncement, serviceSuffix, studyTag } from '../protocol/announcement.ts'
import { isOnLink, type LocalAddress } from './interfaces.ts'

/** A peer's announcement or goodbye. The address is the sender's own, not what it wrote. */
export interface Heard {
  kind: 'seen' | 'goodbye'
  instance: string
  address: string
  port: number
  /** The interface of this machine on whose subnet the sender is. */
  interface: string
  /** Of our study, by its tag. */
  ours: boolean
}

/** One resource record, as decoded from the network. */
export interface ResourceRecord {
  name: string
  type: string
  ttl?: number
  data: unknown
}

/** A decoded mDNS response. */
export interface Packet {
  answers: ResourceRecord[]
  additionals: ResourceRecord[]
}

const mdnsPort = 5353
const mostRecords = 64

/**
 * The announcements of other nodes in a response from the network. A sender that is not on this link or not a multicast DNS
 * responder is not listened to (RFC 6762, 6 and 11): the kernel hands every socket what came in by any interface.
 */
export function readPacket(
  packet: Packet,
  from: { address: string; port: number },
  local: LocalAddress,
  self: { study: string; instance: string },
): Heard[] {
  if (from.port !== mdnsPort || !isOnLink(local, from.address)) return []
  const records = [...packet.answers, ...packet.additionals].slice(0, mostRecords)
  const heard: Heard[] = []
  for (const { name, type, ttl, data } of records) {
    const instance = type === 'SRV' ? instanceOf(name) : undefined
    const port = portOf(data)
    if (instance === undefined || instance === self.instance || port === undefined) continue
    const text = records.find((record) => record.type === 'TXT' && instanceOf(record.name) === instance)?.data
    const announcement = readAnnouncement(text)
    if (!announcement) continue
    const ours = announcement.tag === studyTag(self.study)
    const kind = ttl === 0 ? 'goodbye' : 'seen'
    heard.push({ kind, instance, address: from.address, port, interface: local.name, ours })
  }
  return heard
}

function instanceOf(name: string): string | undefined {
  const lower = name.toLowerCase()
  if (!lower.endsWith(serviceSuffix)) return undefined
  const instance = lower.slice(0, -serviceSuffix.length)
  return /^[0-9a-f]{1,64}$/.test(instance) ? instance : undefined
}

function portOf(data: unknown): number | undefined {
  const port = (data as { port?: unknown } | null)?.port
  return typeof port === 'number' && port >= 1 && port <= 65_535 ? port : undefined
}
