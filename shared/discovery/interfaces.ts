import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'

/** One IPv4 address of this machine. An interface that was made again has another index under the same name. */
export interface LocalAddress {
  name: string
  index: string
  address: string
  netmask: string
}

/** Addresses to meet peers on: all that are not loopback, or exactly those asked for. */
export function usableAddresses(only: string[] = []): LocalAddress[] {
  const found: LocalAddress[] = []
  for (const [name, addresses] of Object.entries(networkInterfaces()))
    for (const { family, address, netmask, internal } of addresses ?? [])
      if (family === 'IPv4' && (only.length > 0 ? only.includes(address) : !internal))
        found.push({ name, index: interfaceIndex(name), address, netmask })
  return found
}

/** Tells one address of one interface from another. */
export function addressKey({ name, index, address, netmask }: LocalAddress): string {
  return `${name}/${index}/${address}/${netmask}`
}

/** Whether an address is in the subnet of one of ours: only such a sender is to be believed (RFC 6762, 11). */
export function isOnLink({ address, netmask }: LocalAddress, other: string): boolean {
  return (toNumber(address) & toNumber(netmask)) === (toNumber(other) & toNumber(netmask))
}

/** The first address of the subnet; undefined where the subnet has no room for one. */
export function firstOfSubnet({ address, netmask }: LocalAddress): string | undefined {
  const mask = toNumber(netmask)
  if (~mask >>> 0 < 2) return undefined
  const first = ((toNumber(address) & mask) + 1) >>> 0
  return [24, 16, 8, 0].map((shift) => (first >>> shift) & 255).join('.')
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => (sum << 8) | Number(part), 0)
}

function interfaceIndex(name: string): string {
  try {
    return readFileSync(`/sys/class/net/${name.replace(/\/|\.\./g, '')}/ifindex`, 'utf8').trim()
  } catch {
    return '?'
  }
}
