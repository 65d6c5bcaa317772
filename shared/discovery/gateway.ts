import { readFileSync } from 'node:fs'
import { firstOfSubnet, isOnLink, usableAddresses } from './interfaces.ts'

/**
 * Where the other side may be when multicast is dropped: the default gateways, and the first address of each subnet, since
 * a hotspot gives its guests no default route but keeps that address for itself. Nothing off the links in use is ever knocked at.
 */
export function gatewayCandidates(only: string[] = []): string[] {
  const locals = usableAddresses(only)
  const firsts = locals.map(firstOfSubnet).filter((address) => address !== undefined)
  const own = locals.map(({ address }) => address)
  const gateways = defaultGateways(readRoutes()).filter((gateway) => locals.some((local) => isOnLink(local, gateway)))
  return [...new Set([...gateways, ...firsts])].filter((address) => !own.includes(address))
}

/** Default gateways in the text of /proc/net/route (proc(5): little-endian hex). */
function defaultGateways(routes: string): string[] {
  return routes
    .split('\n')
    .map((line) => line.split('\t'))
    .filter(([, destination, gateway]) => destination === '00000000' && /^[0-9A-F]{8}$/.test(gateway ?? ''))
    .map(([, , gateway = '']) => [...Buffer.from(gateway, 'hex')].reverse().join('.'))
    .filter((address) => address !== '0.0.0.0')
}

function readRoutes(): string {
  try {
    return readFileSync('/proc/net/route', 'utf8')
  } catch {
    return ''
  }
}
