import { type Static, Type } from '@sinclair/typebox'
import { ports } from '../shared/protocol/paths.ts'

const Port = Type.Integer({ minimum: 0, maximum: 65_535 })
const HostPort = Type.String({ pattern: '^[^\\s/]+:\\d{1,5}$' })

/** The settings of `waybill relay`: TOML, environment, flags. */
export const RelayConfig = Type.Object({
  data: Type.String({ minLength: 1, default: '/var/lib/waybill' }),
  /** The driver's page, on loopback. */
  pagePort: { ...Port, default: ports.relayPage },
  /** Where laptops knock when the network drops multicast. */
  port: { ...Port, default: ports.relay },
  /** Listen for announcements on these addresses only; all that are not loopback unless told. */
  browseOn: Type.Array(Type.String(), { default: [] }),
  /** Laptops to try, HOST:PORT, besides those heard. */
  peers: Type.Array(HostPort, { default: [] }),
  /** Servers to try, HOST:PORT, besides those learnt when this laptop was added and those heard. */
  servers: Type.Array(HostPort, { default: [] }),
  logLevel: Type.String({ default: 'info' }),
})
export type RelayConfig = Static<typeof RelayConfig>
