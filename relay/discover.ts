import { gatewayCandidates } from '../shared/discovery/gateway.ts'
import { Neighbourhood } from '../shared/discovery/neighbourhood.ts'
import { ports } from '../shared/protocol/paths.ts'
import type { Logger } from '../shared/service/logger.ts'
import type { RelayConfig } from './config.ts'
import type { Hold } from './open-store.ts'
import type { Peers } from './peers.ts'

/**
 * Listens for announcements of this study on every usable address. What is heard is a hint: only a credential makes a peer.
 * The relay itself announces nothing.
 */
export function listen(hold: Hold, peers: Peers, only: string[], logger: Logger): Neighbourhood {
  return new Neighbourhood({
    ...{ study: hold.trust.study, instance: hold.device, only, logger },
    heard: ({ kind, address, port, ours }) => {
      if (kind === 'goodbye') peers.goodbye(address, port)
      else if (ours) peers.hear(address, port, 'mdns')
    },
  })
}

/** Addresses that a person, the configuration or the enrolment gave. */
export function hearFixed(hold: Hold, peers: Peers, config: Pick<RelayConfig, 'peers' | 'servers'>): void {
  for (const text of config.peers) hearAddress(peers, text, ports.field, 'manual')
  for (const text of config.servers) hearAddress(peers, text, ports.server, 'manual')
  for (const text of hold.identity.addresses) hearAddress(peers, text, ports.server, 'server')
}

/** Whoever gave this laptop its network may be a laptop of the study, where multicast is dropped. */
export function hearGateways(peers: Peers, only: string[]): void {
  for (const host of gatewayCandidates(only)) peers.hear(host, ports.field, 'gateway')
}

function hearAddress(peers: Peers, text: string, port: number, source: 'manual' | 'server'): void {
  const { host, port: given } = readAddress(text)
  peers.hear(host, given ?? port, source)
}

/** `HOST`, `HOST:PORT`, `[IPV6]:PORT` or `https://HOST:PORT` */
function readAddress(text: string): { host: string; port: number | undefined } {
  const { hostname, port } = new URL(text.includes('://') ? text : `https://${text}`)
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? undefined : Number(port) }
}
