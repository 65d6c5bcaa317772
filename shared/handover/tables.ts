import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'

/** Every handover that this laptop took part in, in the order in which it learnt of them. */
export const deskHandovers = sqliteTable(
  'desk_handovers',
  {
    position: integer('position').primaryKey({ autoIncrement: true }),
    id: text('id').notNull().unique(),
    giver: text('giver').notNull(),
    taker: text('taker').notNull(),
    began: text('began').notNull(),
    /** The driver ended it, or began another with this laptop: when. */
    endedAt: text('ended_at'),
    /** Both laptops signed the newest revision, or it was ended: only signatures come still. */
    closed: integer('closed').notNull().default(0),
    /** The other laptop knows that it is closed, and has all that is here. */
    told: integer('told').notNull().default(0),
    /** The acts were erased. */
    wiped: integer('wiped').notNull().default(0),
    /** The line (JSON) whose reason is asked for. */
    asking: text('asking'),
  },
  (table) => [
    index('desk_handovers_open').on(table.taker, table.giver).where(sql`closed = 0`),
    index('desk_handovers_untold').on(table.position).where(sql`told = 0`),
    index('desk_handovers_to_wipe').on(table.position).where(sql`closed = 1 and wiped = 0`),
  ],
)

/** What people did in handovers; grows only, until the handover is closed and its documents are safe. */
export const deskActs = sqliteTable(
  'desk_acts',
  {
    handover: text('handover').notNull(),
    device: text('device').notNull(),
    number: integer('number').notNull(),
    after: integer('after').notNull(),
    act: text('act').notNull(),
  },
  (table) => [primaryKey({ columns: [table.handover, table.device, table.number] })],
)

/** Revisions, as either laptop wrote them down. `content`: sha-256 of what they say, whoever wrote it, and when. */
export const deskRevisions = sqliteTable(
  'desk_revisions',
  {
    position: integer('position').primaryKey({ autoIncrement: true }),
    digest: text('digest').notNull().unique(),
    handover: text('handover').notNull(),
    revision: integer('revision').notNull(),
    by: text('by').notNull(),
    content: text('content').notNull(),
    jws: text('jws').notNull(),
    /** The server's receipt that covers it. */
    receipt: text('receipt'),
  },
  (table) => [
    index('desk_revisions_by_handover').on(table.handover, table.revision),
    index('desk_revisions_ungiven').on(table.position).where(sql`receipt is null`),
  ],
)

/** What people signed. */
export const deskSignatures = sqliteTable(
  'desk_signatures',
  {
    position: integer('position').primaryKey({ autoIncrement: true }),
    digest: text('digest').notNull().unique(),
    handover: text('handover').notNull(),
    revisionDigest: text('revision_digest').notNull(),
    by: text('by').notNull(),
    jws: text('jws').notNull(),
    receipt: text('receipt'),
  },
  (table) => [
    index('desk_signatures_by_handover').on(table.handover),
    index('desk_signatures_by_revision').on(table.revisionDigest),
    index('desk_signatures_ungiven').on(table.position).where(sql`receipt is null`),
  ],
)

/** Servers' receipts for revisions and signatures, by their digests. */
export const deskReceipts = sqliteTable('desk_receipts', {
  digest: text('digest').primaryKey(),
  jws: text('jws').notNull(),
})

/** A PIN of this laptop's, salted and hashed; it is never sent. `failures`: wrong tries since the last wait. */
export const pins = sqliteTable('pins', {
  person: text('person').primaryKey(),
  salt: text('salt').notNull(),
  hash: text('hash').notNull(),
  failures: integer('failures').notNull().default(0),
})

/** Acts of persons that belong to no handover, or begin and end one; the newest `shift` says who is on shift. Only ever grows. */
export const personActs = sqliteTable(
  'person_acts',
  {
    position: integer('position').primaryKey({ autoIncrement: true }),
    at: text('at').notNull(),
    person: text('person'),
    kind: text('kind', { enum: ['shift', 'pin', 'begin', 'close'] }).notNull(),
    about: text('about'),
    /** The digest of the handover or signature that carries it to the server. */
    carriedBy: text('carried_by'),
  },
  (table) => [
    index('person_acts_by_kind').on(table.kind, table.position),
    index('person_acts_uncarried').on(table.position).where(sql`carried_by is null`),
  ],
)
