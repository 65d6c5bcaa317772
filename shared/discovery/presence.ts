import bonjour, { type Bonjour } from 'bonjour-service'
import { announcementText, serviceSuffix, serviceType } from '../protocol/announcement.ts'
import type { LocalAddress } from './interfaces.ts'
import { type Heard, type Packet, type ResourceRecord, readPacket } from './read-packet.ts'

/** What to announce, and whom to tell. */
export interface PresenceOptions {
  study: string
  /** Opaque and unique: our own announcements are told by it. */
  instance: string
  /** Where we listen for peers; nothing is announced without it. */
  port?: number
  heard: (event: Heard) => void
}

/** Whom a presence tells how it fares: null when a packet went out, else why none does or why none can come in. */
export type Report = (error: string | null) => void

/** This node on one address. */
export interface Presence {
  /** Asks who is there. Often at first, since hotspots lose multicast; then every third call. */
  ask(): void
  /** The socket is of no more use: only another one may be. */
  isBroken(): boolean
  close(): Promise<void>
}

type Sent = (error?: Error | null) => void

/** The multicast socket that bonjour-service keeps; its types leave it out. */
interface Multicast {
  send(packet: Partial<Packet>, to: unknown, sent?: Sent): void
  query(name: string, type: string): void
  on(event: 'response', listener: (packet: Packet, from: { address: string; port: number }) => void): void
  on(event: 'error' | 'warning', listener: (error: NodeJS.ErrnoException) => void): void
  prependListener(event: 'query', listener: (query: { questions: unknown[] }) => void): void
}

const { Bonjour: BonjourService } = bonjour as unknown as { Bonjour: typeof Bonjour }
const goodbyeMs = 1_000
const eagerAsks = 5
const mostQuestions = 16

/**
 * Announces and listens on one address. One instance an address, no probing, one service: the ways round the defects of
 * bonjour-service 1.4.4 on a hotspot without a default route. Its browser is not used: it keeps every name ever heard.
 */
export function startPresence(local: LocalAddress, options: PresenceOptions, report: Report): Presence {
  let broken = false
  let closing = false
  let asked = 0
  const tell: Report = (error) => {
    if (!closing && !(broken && error === null)) report(error)
  }
  const breakDown = (error: Error) => {
    broken = true
    tell(error.message)
  }
  const settings = { interface: local.address, bind: '0.0.0.0' }
  const service = new BonjourService(settings as never, (error: Error) => tell(error.message))
  const { mdns } = (service as unknown as { server: { mdns: Multicast } }).server
  watchSending(mdns, local, tell)
  mdns.on('error', breakDown)
  // Without a system call behind it, it is a packet that could not be read: anyone can send those.
  mdns.on('warning', (error) => error.syscall && breakDown(error))
  // Each question is answered by a packet of its own.
  mdns.prependListener('query', ({ questions }) => questions.splice(mostQuestions))
  mdns.on('response', (packet, from) => {
    if (!closing) for (const event of readPacket(packet, from, local, options)) options.heard(event)
  })
  if (options.port !== undefined) announce(service, options.port, options)
  return {
    ask: () => {
      asked += 1
      if (asked <= eagerAsks || asked % 3 === 0) mdns.query(serviceSuffix.slice(1), 'PTR')
    },
    isBroken: () => broken,
    close: () => {
      closing = true
      return goodbye(service)
    },
  }
}

function announce(service: Bonjour, port: number, { study, instance }: PresenceOptions): void {
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

/**
 * bonjour-service tells nobody that its announcements and questions failed to go out, and names on each network the addresses
 * that this machine has on the others.
 */
function watchSending(mdns: Multicast, { address }: LocalAddress, tell: Report): void {
  const send = mdns.send
  mdns.send = (packet, to, sent) => {
    const done: Sent = (error) => {
      tell(error?.message ?? null)
      const after = typeof to === 'function' ? (to as Sent) : sent
      after?.(error)
    }
    send(onlyAddress(packet, address), typeof to === 'function' ? null : to, done)
  }
}

function onlyAddress(packet: Partial<Packet>, address: string): Partial<Packet> {
  const isTold = ({ type, data }: ResourceRecord) => type !== 'A' || data === address
  const { answers, additionals } = packet
  return {
    ...packet,
    ...(answers && { answers: answers.filter(isTold) }),
    ...(additionals && { additionals: additionals.filter(isTold) }),
  }
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
