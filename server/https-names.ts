import { isIP } from 'node:net'
import { hostname, networkInterfaces } from 'node:os'
import { WaybillError } from '../shared/service/errors.ts'

const most = 100
const hostName = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/

/**
 * Every name under which people and apps may ask for this server: `localhost` first, then those that it was told, its own, and its
 * addresses of this moment.
 * @throws BAD_CONFIG for what is neither a host name nor an address
 */
export function httpsNames(told: string[], host = hostname()): string[] {
  const bad = told.find((name) => !isIP(name) && !hostName.test(name.toLowerCase()))
  if (bad !== undefined) throw new WaybillError('BAD_CONFIG', `httpsNames: ${bad} is no host name and no address`)
  const own = host.toLowerCase()
  const hosts = [own, own.includes('.') ? own : `${own}.local`].filter((name) => hostName.test(name))
  const names = ['localhost', ...told.map((name) => name.toLowerCase()), ...hosts, '127.0.0.1', '::1', ...addresses()]
  return [...new Set(names)].slice(0, most)
}

/** A browser cannot ask for an address that is good on one link only. */
function addresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((found) => found ?? [])
  return all
    .map(({ address }) => address)
    .filter((address) => !/^fe80:/i.test(address))
    .toSorted()
}
