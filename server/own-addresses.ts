import { usableAddresses } from '../shared/discovery/interfaces.ts'

/** Where devices may find a server that was told no address. */
export function ownAddresses(port: number, only: string[]): string[] {
  const found = usableAddresses(only).map(({ address }) => `${address}:${port}`)
  return found.length > 0 ? found : [`127.0.0.1:${port}`]
}
