import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'

/**
 * What has become of a batch here. `pulling`: known, not whole on this disk. `aboard`: signed for by this relay. `forwarded`: signed for by a server.
 * `delivered`: a delivery receipt covers it. `quarantined`: set aside with its code; this relay has not signed for it.
 */
export const batchStates = ['pulling', 'aboard', 'forwarded', 'delivered', 'quarantined'] as const
export type BatchState = (typeof batchStates)[number]

/** How far a peer is; each word is its own claim (invariant 9). */
export const peerStates = [
  'seen',
  'reachable',
  'trusted',
  'pulling',
  'forwarding',
  'upToDate',
  'failing',
  'gone',
] as const
export type PeerState = (typeof peerStates)[number]

/** Verified credentials, by digest. */
export const credentials = sqliteTable('credentials', { kid: text().primaryKey(), jws: text().notNull() })

/** Every device that this relay has met. */
export const peers = sqliteTable('peers', {
  device: text().primaryKey(),
  role: text({ enum: ['issuer', 'field', 'relay', 'server', 'central'] }).notNull(),
  host: text().notNull(),
  port: integer().notNull(),
  state: text({ enum: peerStates }).notNull(),
  since: text().notNull(),
  code: text(),
  why: text(),
  failures: integer().notNull().default(0),
  metAt: text(),
  /** What the device said of itself when last met; its word, not proof. */
  headChain: text(),
  headSeq: integer(),
  unsealed: integer(),
  /** What was taken for it up to this position was shown to it, and it answered. */
  shown: integer().notNull().default(0),
})

/** The batches that this relay knows, in the order in which it learnt of them. */
export const manifests = sqliteTable(
  'manifests',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    digest: text().notNull(),
    producer: text().notNull(),
    chain: text().notNull(),
    seq: integer().notNull(),
    previous: text(),
    jws: text().notNull(),
    payloadDigest: text().notNull(),
    payloadSize: integer().notNull(),
    changes: integer().notNull(),
    state: text({ enum: batchStates }).notNull(),
    code: text(),
    why: text(),
    /** The payload was removed: a server has it safely. */
    pruned: integer({ mode: 'boolean' }).notNull().default(false),
  },
  (table) => [
    uniqueIndex('manifests_by_digest').on(table.digest),
    index('manifests_by_place').on(table.producer, table.chain, table.seq),
    index('manifests_by_state').on(table.state, table.id),
    index('manifests_by_producer_state').on(table.producer, table.state, table.changes),
    index('manifests_by_payload').on(table.payloadDigest),
    index('manifests_undelivered').on(table.producer, table.chain, table.seq).where(sql`state <> 'delivered'`),
    index('manifests_to_prune')
      .on(table.producer, table.chain, table.seq)
      .where(sql`state = 'delivered' and pruned = 0`),
  ],
)

/** This relay's own custody receipts: one a manifest, always the same bytes. */
export const receipts = sqliteTable(
  'receipts',
  {
    manifest: text().primaryKey(),
    producer: text().notNull(),
    jws: text().notNull(),
    at: text().notNull(),
    returned: integer({ mode: 'boolean' }).notNull().default(false),
  },
  (table) => [index('receipts_to_return').on(table.producer).where(sql`returned = 0`)],
)

/** Custody receipts of servers, for the laptops that made the batches. */
export const serverReceipts = sqliteTable(
  'server_receipts',
  {
    manifest: text().notNull(),
    by: text().notNull(),
    producer: text().notNull(),
    jws: text().notNull(),
    position: integer().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.manifest, table.by] }),
    index('server_receipts_by_producer').on(table.producer, table.position),
  ],
)

/** Delivery receipts: the newest of each chain and server is `current`, older lives of the server are kept as proof. */
export const deliveries = sqliteTable(
  'deliveries',
  {
    server: text().notNull(),
    producer: text().notNull(),
    chain: text().notNull(),
    nonce: text().notNull(),
    jws: text().notNull(),
    current: integer({ mode: 'boolean' }).notNull(),
    position: integer().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.server, table.producer, table.chain, table.nonce] }),
    index('deliveries_by_position').on(table.position),
    index('deliveries_by_producer').on(table.producer, table.chain),
  ],
)

/** The newest gap notice of each chain and server. */
export const gaps = sqliteTable(
  'gaps',
  {
    server: text().notNull(),
    producer: text().notNull(),
    chain: text().notNull(),
    jws: text().notNull(),
    position: integer().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.server, table.producer, table.chain] }),
    index('gaps_by_position').on(table.position),
  ],
)

/**
 * The open requisition lines of each laptop, as it showed them last; only what the study document makes visible. `served`: it shows
 * the line still. `closedBy`: the handover whose signature closed the line as it is here; that handover needs it, served or not.
 */
export const lines = sqliteTable(
  'lines',
  {
    ...{ producer: text().notNull(), model: text().notNull(), pk: text().notNull(), line: text().notNull() },
    served: integer({ mode: 'boolean' }).notNull(),
    closedBy: text(),
    /** What a scanner reads of it: the requisition's letters and digits, in upper case. */
    label: text(),
  },
  (table) => [
    primaryKey({ columns: [table.producer, table.model, table.pk] }),
    index('lines_by_label').on(table.label),
    index('lines_by_handover').on(table.closedBy),
  ],
)

/** Single values that outlive the program. */
export const facts = sqliteTable('facts', { name: text().primaryKey(), value: text().notNull() })
