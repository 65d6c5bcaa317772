import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'

/** Changes not yet sealed, in plain text, in the order in which the app made them. */
export const outbox = sqliteTable('outbox', {
  position: integer('position').primaryKey({ autoIncrement: true }),
  line: text('line').notNull(),
  size: integer('size').notNull(),
})

/**
 * Every change ever recorded, so that an exact repeat is known: its id, and a keyed digest of what the app gave, before defaults.
 * Nothing else is kept of it after sealing. WITHOUT ROWID, as its migration says: ids are random, and each is written once.
 */
export const knownChanges = sqliteTable(
  'known_changes',
  { id: text('id').notNull(), keyedDigest: text('keyed_digest').notNull() },
  (table) => [primaryKey({ columns: [table.id, table.keyedDigest] })],
)

/** What the last dump told of a record: keyed digests of the record and of what was told, and the id that it got. */
export const dumped = sqliteTable('dumped', {
  record: text('record').primaryKey(),
  content: text('content').notNull(),
  id: text('id').notNull(),
})

/** Why rows of the app's own table were set aside, by what names the row there. */
export const refusedRows = sqliteTable('refused_rows', {
  position: text('position').primaryKey(),
  code: text('code').notNull(),
  message: text('message').notNull(),
  at: text('at').notNull(),
})

/** This laptop's chains; the newest is the one that grows. */
export const chains = sqliteTable('chains', {
  ordinal: integer('ordinal').primaryKey({ autoIncrement: true }),
  chain: text('chain').notNull().unique(),
  continuesChain: text('continues_chain'),
  continuesSeq: integer('continues_seq'),
  continuesDigest: text('continues_digest'),
})

/** Sealed batches. `carried`: a courier signed for it. `delivered`, `safe`: as the delivery receipt in force says. */
export const batches = sqliteTable(
  'batches',
  {
    position: integer('position').primaryKey({ autoIncrement: true }),
    chain: text('chain').notNull(),
    seq: integer('seq').notNull(),
    manifestDigest: text('manifest_digest').notNull().unique(),
    manifest: text('manifest').notNull(),
    payloadDigest: text('payload_digest').notNull(),
    payloadSize: integer('payload_size').notNull(),
    changes: integer('changes').notNull(),
    sealedAt: text('sealed_at').notNull(),
    carried: integer('carried').notNull().default(0),
    delivered: integer('delivered').notNull().default(0),
    safe: integer('safe').notNull().default(0),
    /** Running minutes of the daemon when the batch became safe: retention is not counted by the wall clock. */
    safeAtMinute: integer('safe_at_minute'),
    pruned: integer('pruned').notNull().default(0),
  },
  (table) => [
    uniqueIndex('batches_place').on(table.chain, table.seq),
    index('batches_pending').on(table.delivered, table.carried, table.position),
    index('batches_by_payload').on(table.payloadDigest),
    index('batches_prunable').on(table.pruned, table.safe, table.safeAtMinute),
  ],
)

/** Handovers, signatures and credentials that a batch of ours holds. */
export const sealedDocuments = sqliteTable('sealed_documents', {
  digest: text('digest').primaryKey(),
  /** The newest batch that holds it, by its manifest's digest. */
  batch: text('batch').notNull(),
})

/** Custody receipts that couriers and servers gave for our batches. */
export const custodyReceipts = sqliteTable(
  'custody_receipts',
  {
    digest: text('digest').primaryKey(),
    manifestDigest: text('manifest_digest').notNull(),
    by: text('by').notNull(),
    role: text('role').notNull(),
    at: text('at').notNull(),
    jws: text('jws').notNull(),
    /** Its server was restored since, and has not given it again: it says nothing of where the batch is now. */
    void: integer('void').notNull().default(0),
  },
  (table) => [index('custody_by_manifest').on(table.manifestDigest), index('custody_by_holder').on(table.by)],
)

/**
 * Delivery receipts, the newest of each life of a server. Only a server's newest life counts (see cover.ts); older ones stay, as
 * proof for the server of what it once had.
 */
export const deliveries = sqliteTable(
  'deliveries',
  {
    chain: text('chain').notNull(),
    server: text('server').notNull(),
    nonce: text('nonce').notNull(),
    jws: text('jws').notNull(),
  },
  (table) => [primaryKey({ columns: [table.chain, table.server, table.nonce] })],
)

/** Manifests of ours that this disk lost and that we were shown: they follow our newest batch of the chain, one the other. */
export const followers = sqliteTable(
  'followers',
  {
    chain: text('chain').notNull(),
    seq: integer('seq').notNull(),
    digest: text('digest').notNull(),
    jws: text('jws').notNull(),
  },
  (table) => [primaryKey({ columns: [table.chain, table.seq] })],
)

/** The newest notice of batches that a server has heard of and not received. */
export const gaps = sqliteTable(
  'gaps',
  { chain: text('chain').notNull(), server: text('server').notNull(), jws: text('jws').notNull() },
  (table) => [primaryKey({ columns: [table.chain, table.server] })],
)

/** Credentials that lead to the authority, by digest. */
export const credentials = sqliteTable('credentials', { kid: text('kid').primaryKey(), jws: text('jws').notNull() })

/**
 * Requisition lines as last known. `sources` names the app's field that each value came from: one that the study document no longer
 * maps so is not shown. `closed`: a signed handover closed the line as it is now.
 */
export const openLines = sqliteTable(
  'open_lines',
  {
    model: text('model').notNull(),
    pk: text('pk').notNull(),
    line: text('line').notNull(),
    sources: text('sources').notNull().default('{}'),
    closed: integer('closed').notNull().default(0),
  },
  (table) => [
    primaryKey({ columns: [table.model, table.pk] }),
    index('open_lines_served').on(table.closed).where(sql`closed = 0`),
  ],
)

/** At which change a signed handover closed a requisition's line; the newest row is the last handover that did. */
export const closedLines = sqliteTable(
  'closed_lines',
  {
    position: integer('position').primaryKey({ autoIncrement: true }),
    model: text('model').notNull(),
    pk: text('pk').notNull(),
    handover: text('handover').notNull(),
    revision: integer('revision').notNull(),
    changeId: text('change_id').notNull(),
    at: text('at').notNull(),
  },
  (table) => [
    uniqueIndex('closed_lines_place').on(table.model, table.pk, table.handover),
    index('closed_lines_by_handover').on(table.handover),
  ],
)

/** Spans of this laptop's wall clock that its own running contradicts: a time within one may mean two moments. */
export const clockSteps = sqliteTable('clock_steps', {
  position: integer('position').primaryKey({ autoIncrement: true }),
  first: text('first').notNull(),
  last: text('last').notNull(),
})

/** Who was met, when and with what outcome. */
export const meetings = sqliteTable('meetings', {
  device: text('device').primaryKey(),
  role: text('role').notNull(),
  address: text('address').notNull(),
  at: text('at').notNull(),
})

/** Single values: the last error, the running minutes, what of the study document was taken to heart. */
export const facts = sqliteTable('facts', { key: text('key').primaryKey(), value: text('value').notNull() })
