import { type Static, Type } from '@sinclair/typebox'
import { ports } from '../shared/protocol/paths.ts'

const Port = Type.Integer({ minimum: 0, maximum: 65_535 })

/** The settings of `waybill server`: TOML, environment, flags. */
export const ServerConfig = Type.Object({
  data: Type.String({ minLength: 1, default: '/var/lib/waybill' }),
  /** Where laptops and relays reach this server, and where devices are added. */
  port: { ...Port, default: ports.server },
  /** The status page, on loopback. */
  pagePort: { ...Port, default: ports.serverPage },
  /** Where people and apps reach this server, over HTTPS. */
  httpsPort: { ...Port, default: ports.serverHttps },
  /** The address on which it listens for them. */
  httpsOn: Type.String({ minLength: 1, default: '0.0.0.0' }),
  /** Host names and addresses by which they ask for it, besides its own: its certificate names them. */
  httpsNames: Type.Array(Type.String(), { default: [] }),
  /** The app's own database, into which this server writes: postgresql://..., mariadb://... or sqlite:///path. None unless told. */
  appDatabase: Type.String({ default: '' }),
  /** The file that holds the password of its account, on its first line. */
  appDatabasePasswordFile: Type.String({ default: '' }),
  /** What is written: `waybill_inbox`, or, transport only, django-collect-offline's IncomingTransaction. */
  appInbox: Type.Union([Type.Literal('waybill'), Type.Literal('django-collect-offline')], { default: 'waybill' }),
  /** Announce on these addresses only; all that are not loopback unless told. */
  announceOn: Type.Array(Type.String(), { default: [] }),
  /** Where devices will find this server, HOST:PORT; its own addresses unless told. */
  addresses: Type.Array(Type.String(), { default: [] }),
  logLevel: Type.String({ default: 'info' }),
})
export type ServerConfig = Static<typeof ServerConfig>
