import { sql } from 'drizzle-orm'
import { blob, index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'

/** Credentials that lead to the authority, by digest. */
export const credentials = sqliteTable('credentials', { kid: text('kid').primaryKey(), jws: text('jws').notNull() })

/** One-time codes for adding devices; only the digest of the secret is kept. `device` is whom the first use bound. */
export const codes = sqliteTable('codes', {
  secretDigest: text('secret_digest').primaryKey(),
  role: text('role').notNull(),
  name: text('name').notNull(),
  site: text('site'),
  expiresAt: text('expires_at').notNull(),
  device: text('device'),
  answer: text('answer'),
})

/** Each producer's chains: how far delivered, how far safe, how far any receipt or manifest witnessed. */
export const chains = sqliteTable(
  'chains',
  {
    producer: text('producer').notNull(),
    chain: text('chain').notNull(),
    through: integer('through').notNull().default(0),
    safeThrough: integer('safe_through').notNull().default(0),
    witnessed: integer('witnessed').notNull().default(0),
    unsealed: integer('unsealed').notNull().default(0),
    /** The batch of an older chain that it goes on from, as its first batch says. */
    continuesChain: text('continues_chain'),
    continuesSeq: integer('continues_seq'),
    /** The last place in it of any change that applying has come past, or that a repeat stands at: see chain-places.ts. */
    settledSeq: integer('settled_seq').notNull().default(0),
    settledNumber: integer('settled_number').notNull().default(0),
    /** From this number on, two branches exist; null where there is no fork. */
    forkAt: integer('fork_at'),
    /** The signed documents below are older than the state. */
    dirty: integer('dirty').notNull().default(1),
    delivery: text('delivery'),
    gaps: text('gaps'),
  },
  (table) => [primaryKey({ columns: [table.producer, table.chain] }), index('chains_dirty').on(table.dirty)],
)

/**
 * The last time that somebody met a device, and what it said of itself then: its newest batch, and how many changes it had not sealed. `at` is
 * what the clock of whoever met it said, `heardAt` what this server's said when it learned of it. For people to read; it decides nothing.
 */
export const meetings = sqliteTable(
  'meetings',
  {
    device: text('device').notNull(),
    by: text('by').notNull(),
    at: text('at').notNull(),
    heardAt: text('heard_at').notNull(),
    chain: text('chain'),
    seq: integer('seq').notNull(),
    unsealed: integer('unsealed').notNull(),
  },
  (table) => [primaryKey({ columns: [table.device, table.by] })],
)

/** Batches with their state: ingested, opened, held (by a fork or a revocation), quarantined (with its code). */
export const batches = sqliteTable(
  'batches',
  {
    ordinal: integer('ordinal').primaryKey({ autoIncrement: true }),
    manifestDigest: text('manifest_digest').notNull().unique(),
    manifest: text('manifest').notNull(),
    producer: text('producer').notNull(),
    chain: text('chain').notNull(),
    seq: integer('seq').notNull(),
    previous: text('previous'),
    payloadDigest: text('payload_digest').notNull(),
    payloadSize: integer('payload_size').notNull(),
    changes: integer('changes').notNull(),
    custody: text('custody').notNull(),
    ingestedAt: text('ingested_at').notNull(),
    state: text('state', { enum: ['ingested', 'opened', 'held', 'quarantined'] }).notNull(),
    code: text('code'),
    message: text('message'),
  },
  (table) => [
    index('batches_place').on(table.producer, table.chain, table.seq, table.state),
    index('batches_state').on(table.state, table.ordinal),
    index('batches_quota').on(table.producer, table.state, table.payloadSize),
  ],
)

/** Every custody receipt of a batch that was shown: a tree from the manifest to this server. */
export const hops = sqliteTable(
  'hops',
  {
    digest: text('digest').primaryKey(),
    manifestDigest: text('manifest_digest').notNull(),
    hop: integer('hop').notNull(),
    prev: text('prev').notNull(),
    by: text('by').notNull(),
    jws: text('jws').notNull(),
  },
  (table) => [index('hops_by_manifest').on(table.manifestDigest, table.hop)],
)

/**
 * Opened changes; `position` is the order of the feed. An exact repeat is one row, two contents of one id are two. What a change says
 * stays sealed in the payload of its batch: here is only where, as line `number` after the head. The digest is of the line and so
 * of its id as well; `idHash` finds both (see id-hash.ts).
 */
export const changes = sqliteTable(
  'changes',
  {
    position: integer('position').primaryKey({ autoIncrement: true }),
    idHash: integer('id_hash').notNull(),
    digest: blob('digest', { mode: 'buffer' }).notNull(),
    /** The ordinal of the batch that brought it first. */
    batch: integer('batch').notNull(),
    number: integer('number').notNull(),
    /** The ordinal of the record that it is of. */
    record: integer('record').notNull(),
    action: text('action', { enum: ['insert', 'update', 'delete'] }).notNull(),
    /** What applying needs to know besides, as digests: see about-change.ts. Null where there is nothing. */
    about: text('about'),
  },
  (table) => [index('changes_by_id').on(table.idHash), index('changes_by_record').on(table.record, table.position)],
)

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
 * Records: model + pk. `shown`: the change whose text is the record now; null until one was applied. `canonical`: the record that it
 * is merged into, null where it stands for itself; only that one's `shown` counts then.
 */
export const records = sqliteTable(
  'records',
  {
    ordinal: integer('ordinal').primaryKey({ autoIncrement: true }),
    model: text('model').notNull(),
    pk: text('pk').notNull(),
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
    uniqueIndex('records_place').on(table.model, table.pk),
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

/** Changes that are to be read again from their batch under the newest study configuration, since a person said so. */
export const rereads = sqliteTable('rereads', { change: integer('change').primaryKey() })

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

/** The feed of states: a row each time what a record shows has changed. `record` is the canonical one. */
export const states = sqliteTable('states', {
  position: integer('position').primaryKey({ autoIncrement: true }),
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

/** What lets an app in; only the digest of the secret is kept. */
export const tokens = sqliteTable('tokens', {
  digest: text('digest').primaryKey(),
  name: text('name').notNull().unique(),
  createdAt: text('created_at').notNull(),
  revokedAt: text('revoked_at'),
})

/** People who may sign in to this server's page; the password as an argon2id hash. */
export const accounts = sqliteTable('accounts', {
  name: text('name').primaryKey(),
  role: text('role', { enum: ['manager', 'lab', 'reader'] }).notNull(),
  password: text('password').notNull(),
  /** 1: may look at records, whatever the role. A manager always may. */
  views: integer('views').notNull().default(0),
  createdAt: text('created_at').notNull(),
  disabledAt: text('disabled_at'),
})

/** Every act of a person at this server (house rule 15): appended, never changed. */
export const acts = sqliteTable(
  'acts',
  {
    position: integer('position').primaryKey({ autoIncrement: true }),
    at: text('at').notNull(),
    who: text('who').notNull(),
    role: text('role').notNull(),
    act: text('act').notNull(),
    about: text('about').notNull(),
    old: text('old'),
    new: text('new'),
    reason: text('reason'),
  },
  (table) => [index('acts_about').on(table.about, table.position)],
)

/** Days on which nobody is expected to record anything. */
export const skipDays = sqliteTable('skip_days', { day: text('day').primaryKey(), reason: text('reason').notNull() })

/** Lines of opened batches that are no change. Nothing is thrown away: they stay in the payload. */
export const badLines = sqliteTable(
  'bad_lines',
  {
    manifestDigest: text('manifest_digest').notNull(),
    number: integer('number').notNull(),
    code: text('code').notNull(),
    message: text('message').notNull(),
  },
  (table) => [primaryKey({ columns: [table.manifestDigest, table.number] })],
)

/** Revisions of handovers, each once, whether a courier brought it or a batch. */
export const handovers = sqliteTable(
  'handovers',
  {
    digest: text('digest').primaryKey(),
    id: text('id').notNull(),
    revision: integer('revision').notNull(),
    giver: text('giver').notNull(),
    taker: text('taker').notNull(),
    tubes: integer('tubes').notNull(),
    /** What it says, whoever wrote it down. */
    content: text('content').notNull(),
    jws: text('jws').notNull(),
  },
  (table) => [index('handovers_by_id').on(table.id, table.revision)],
)

/** Signatures under them, each once; one may be here before what it signs. */
export const handoverSignatures = sqliteTable(
  'handover_signatures',
  {
    digest: text('digest').primaryKey(),
    handover: text('handover').notNull(),
    by: text('by').notNull(),
    jws: text('jws').notNull(),
  },
  (table) => [index('handover_signatures_by_handover').on(table.handover)],
)

/** Verified backups. */
export const backups = sqliteTable('backups', {
  ordinal: integer('ordinal').primaryKey({ autoIncrement: true }),
  path: text('path').notNull(),
  at: text('at').notNull(),
  batches: integer('batches').notNull(),
})

/** Single values: the incarnation, the last error, alarms. */
export const facts = sqliteTable('facts', { key: text('key').primaryKey(), value: text('value').notNull() })
