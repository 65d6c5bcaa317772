import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'

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
