import { type Static, Type } from '@sinclair/typebox'
import { ports } from '../shared/protocol/paths.ts'

const Port = Type.Integer({ minimum: 0, maximum: 65_535 })
const HostPort = Type.String({ pattern: '^[^\\s/]+:\\d{1,5}$' })

/** The settings of `waybill daemon`: TOML, environment, flags. */
export const DaemonConfig = Type.Object({
  data: Type.String({ minLength: 1, default: '/var/lib/waybill' }),
  /** Where relays and servers reach this laptop. */
  port: { ...Port, default: ports.field },
  /** The assistant's page and the local API, on loopback. */
  pagePort: { ...Port, default: ports.fieldPage },
  /** Unix socket of the local API; `daemon.sock` in the data directory unless told. */
  socket: Type.String({ default: '' }),
  /** Announce on these addresses only; all that are not loopback unless told. */
  announceOn: Type.Array(Type.String(), { default: [] }),
  /** Push to the server by itself when it is in reach. */
  push: Type.Boolean({ default: true }),
  /** Servers to try, HOST:PORT, besides those learnt when the laptop was added and those heard. */
  servers: Type.Array(HostPort, { default: [] }),
  /** The app's own database, whose table is read: postgresql://..., mariadb://... or sqlite:///path. None unless told. */
  appDatabase: Type.String({ default: '' }),
  /** A file whose first line is the password of that database, so that it stands in no setting. */
  appDatabasePasswordFile: Type.String({ default: '' }),
  /** Which table of it: Waybill's own, or django-collect-offline's, as it is (transport only). */
  appOutbox: Type.Union([Type.Literal('waybill'), Type.Literal('django-collect-offline')], { default: 'waybill' }),
  /** False pauses reading that table; it drops nothing, and the app does not notice. */
  recording: Type.Boolean({ default: true }),
  logLevel: Type.String({ default: 'info' }),
})
export type DaemonConfig = Static<typeof DaemonConfig>
