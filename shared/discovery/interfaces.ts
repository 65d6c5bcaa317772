import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'

/** One IPv4 address of this machine. An interface that was made again has another index under the same name. */
export interface LocalAddress {
  name: string
  index: string
  address: string
}

/** Addresses to meet peers on: all that are not loopback, or exactly those asked for. */
export function usableAddresses(only: string[] = []): LocalAddress[] {
  const found: LocalAddress[] = []
  for (const [name, addresses] of Object.entries(networkInterfaces()))
    for (const { family, address, internal } of addresses ?? [])
      if (family === 'IPv4' && (only.length > 0 ? only.includes(address) : !internal))
        found.push({ name, index: interfaceIndex(name), address })
  return found
}

/** Tells one address of one interface from another. */
export function addressKey({ name, index, address }: LocalAddress): string {
  return `${name}/${index}/${address}`
}

function interfaceIndex(name: string): string {
  try {
    return readFileSync(`/sys/class/net/${name.replace(/\/|\.\./g, '')}/ifindex`, 'utf8').trim()
  } catch {
    return '?'
  }
}
