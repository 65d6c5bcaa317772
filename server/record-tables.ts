import { sql } from 'drizzle-orm'
import { blob, index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'

/** How SQL asks for the records of decisions, which have an index of their own: they are few, and looked for among all. */
export const ofDecisions = "model >= 'waybill.' AND model < 'waybill/'"

/** Other places at which an exact repeat of a change stands: its order in a chain is that of its first place there. */
export const repeats = sqliteTable(
  'repeats',
  {
    change: integer('change').notNull(),
    batch: integer('batch').notNull(),
    number: integer('number').notNull(),
  },
  (table) => [primaryKey({ columns: [table.change, table.batch, table.number] })],
)

/**
 * Records: model + pk, none ever removed. `shown`: the change whose text is the record now; null until one was applied. `canonical`: the
 * record that it is merged into, null where it stands for itself; only that one's `shown` counts then.
 */
export const records = sqliteTable(
  'records',
  {
    ordinal: integer('ordinal').primaryKey(),
    model: text('model').notNull(),
    pk: text('pk').notNull(),
    /** By what it is found: see record-place.ts. */
    placeHash: integer('place_hash').notNull(),
    canonical: integer('canonical'),
    shown: integer('shown'),
    state: text('state', { enum: ['none', 'present', 'deleted'] })
      .notNull()
      .default('none'),
    /** Some change of it was applied once: who names it as a parent does not wait. */
    known: integer('known').notNull().default(0),
    /** More than one head. */
    conflict: integer('conflict').notNull().default(0),
    /** Some change of it was made upon one that is not here, or they name each other: its heads are worked out from all its changes. */
    loose: integer('loose').notNull().default(0),
  },
  (table) => [
    index('records_place').on(table.placeHash),
    index('records_of_decisions').on(table.model).where(sql.raw(ofDecisions)),
    index('records_merged').on(table.canonical).where(sql`canonical IS NOT NULL`),
    index('records_conflict').on(table.ordinal).where(sql`conflict = 1`),
  ],
)

/**
 * The heads of records that have more than one, by the canonical record. `inserted`: the change is an insert, or one stands before it in
 * its chain.
 */
export const heads = sqliteTable(
  'heads',
  { record: integer('record').notNull(), change: integer('change').notNull(), inserted: integer('inserted').notNull() },
  (table) => [primaryKey({ columns: [table.record, table.change] })],
)

/** Records whose heads are to be worked out again, since what orders their changes came after them. */
export const rechecks = sqliteTable('rechecks', { record: integer('record').primaryKey() })

/** Records with applied changes of a chain whose first batch is not here: what it continues is not known. */
export const unrooted = sqliteTable(
  'unrooted',
  { producer: text('producer').notNull(), chain: text('chain').notNull(), record: integer('record').notNull() },
  (table) => [primaryKey({ columns: [table.producer, table.chain, table.record] })],
)

/**
 * What became of opened changes that are not applied, though applying has come past them: `waiting` for a parent, `held` until its model
 * is published, `quarantined` with its code, `discarded` by a person. Every other change up to there is applied.
 */
export const asideChanges = sqliteTable(
  'aside_changes',
  {
    change: integer('change').primaryKey(),
    state: text('state', { enum: ['waiting', 'held', 'quarantined', 'discarded'] }).notNull(),
    model: text('model').notNull(),
    code: text('code').notNull(),
    message: text('message').notNull(),
  },
  (table) => [
    index('aside_changes_state').on(table.state, table.change),
    index('aside_changes_model').on(table.state, table.model, table.change),
  ],
)

/** Which parents waiting changes wait for, by the digest of what they name. */
export const waits = sqliteTable(
  'waits',
  { parent: blob('parent', { mode: 'buffer' }).notNull(), change: integer('change').notNull() },
  (table) => [primaryKey({ columns: [table.parent, table.change] }), index('waits_by_change').on(table.change)],
)

/** Parents that have come, and for which changes still wait: these are judged again, a few at a time. */
export const freed = sqliteTable('freed', { parent: blob('parent', { mode: 'buffer' }).primaryKey() })

/**
 * Changes that are to be read again from their batch under the newest study configuration, since a person said so: by what finds them,
 * for the decision may come before its change.
 */
export const rereads = sqliteTable(
  'rereads',
  { idHash: integer('id_hash').notNull(), digest: blob('digest', { mode: 'buffer' }).notNull() },
  (table) => [primaryKey({ columns: [table.idHash, table.digest] })],
)

/** Every natural key, as a digest, that an applied change of a record ever bore. `shows`: the record bears it now. */
export const naturalKeys = sqliteTable(
  'natural_keys',
  {
    key: blob('key', { mode: 'buffer' }).notNull(),
    record: integer('record').notNull(),
    shows: integer('shows').notNull().default(0),
  },
  (table) => [primaryKey({ columns: [table.key, table.record] })],
)

/** Natural keys that more than one record bears now, none merged into the other: perhaps one thing twice. */
export const duplicates = sqliteTable('duplicates', {
  key: blob('key', { mode: 'buffer' }).primaryKey(),
  model: text('model').notNull(),
})

/** The feed of states: a row each time what a record shows has changed, none ever removed. `record` is the canonical one. */
export const states = sqliteTable('states', {
  position: integer('position').primaryKey(),
  record: integer('record').notNull(),
  /** The change that it shows; null where a merge took the record away, or a person discarded all of it. */
  change: integer('change'),
  state: text('state', { enum: ['present', 'deleted', 'merged'] }).notNull(),
  conflict: integer('conflict').notNull(),
  /** The record that it was merged into. */
  canonical: integer('canonical'),
})

/** Merges in force, by the change of this server's own chain that asserts each. */
export const merges = sqliteTable('merges', {
  change: integer('change').primaryKey(),
  model: text('model').notNull(),
  /** A JSON array. */
  pks: text('pks').notNull(),
})

/** How many changes each laptop recorded on each day of its own clock. */
export const changesByDay = sqliteTable(
  'changes_by_day',
  {
    producer: text('producer').notNull(),
    model: text('model').notNull(),
    day: text('day').notNull(),
    changes: integer('changes').notNull(),
  },
  (table) => [primaryKey({ columns: [table.producer, table.model, table.day] })],
)

/** Counts that would cost more with history if they were counted: kept in the transaction that changes them. */
export const counts = sqliteTable('counts', { name: text('name').primaryKey(), value: integer('value').notNull() })
