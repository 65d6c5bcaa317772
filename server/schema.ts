import { blob, index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'

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
    /** The batch at `through`: where two claim that number, the one whose branch is delivered. */
    throughDigest: text('through_digest'),
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

/**
 * Batches with their state: ingested, opened, held (by a fork or a revocation), quarantined (with its code), refused (by a person; what it was
 * held or set aside for stays its code). An opened batch with a code was opened though: a person released it, or it was before a fork was known.
 */
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
    state: text('state', { enum: ['ingested', 'opened', 'held', 'quarantined', 'refused'] }).notNull(),
    code: text('code'),
    message: text('message'),
    /** The first batch of the branch of a forked chain that it stands in; null below the fork: see branches.ts. */
    branch: text('branch'),
  },
  (table) => [
    index('batches_place').on(table.producer, table.chain, table.seq, table.state),
    index('batches_state').on(table.state, table.ordinal),
    index('batches_quota').on(table.producer, table.state, table.payloadSize),
  ],
)

/**
 * What persons decided on batches that waited for them, as the applied changes of servers' own chains say. `through`: the last batch of those
 * that are released; null where all that follows on the branch is no more held for its fork.
 */
export const batchDecisions = sqliteTable(
  'batch_decisions',
  {
    /** The place of the decision in the feed. */
    change: integer('change').primaryKey(),
    decision: text('decision', { enum: ['release', 'refuse'] }).notNull(),
    batch: text('batch').notNull(),
    through: text('through'),
  },
  (table) => [index('batch_decisions_batch').on(table.batch)],
)

/** Chains whose branches were linked anew: what order that gives their records is worked out again, from this place of the feed on. */
export const relinks = sqliteTable(
  'relinks',
  { producer: text('producer').notNull(), chain: text('chain').notNull(), position: integer('position').notNull() },
  (table) => [primaryKey({ columns: [table.producer, table.chain] })],
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
 * Opened changes, none ever removed; `position` is the order of the feed. An exact repeat is one row, two contents of one id are two. What
 * a change says stays sealed in the payload of its batch: here is only where, as line `number` after the head. The digest is of the line
 * and so of its id as well; `idHash` finds both (see id-hash.ts).
 */
export const changes = sqliteTable(
  'changes',
  {
    position: integer('position').primaryKey(),
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
