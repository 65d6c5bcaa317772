import t from 'tap'
import type { Run } from '../../../shared/app-database/app-database.ts'
import { systemClock } from '../../../shared/service/clock.ts'
import { cannotUse } from '../../fixtures/app-databases.ts'
import { appWithOutbox, put } from '../../fixtures/app-outbox.ts'
import { seeded } from '../../fixtures/killed-at.ts'

/** Where several write at once. SQLite has one writer: there commits come in the order of positions. */
for (const dialect of ['postgresql', 'mariadb'] as const) {
  const why = await cannotUse(dialect)
  const options = why === undefined ? {} : { skip: why }

  t.test(`${dialect}: a transaction that stays open holds back only what waits in its record`, options, async (t) => {
    const { app, database, reader, recorded } = await appWithOutbox(t, dialect)
    const { tick } = reader()
    const other = database.connect()
    await put(app.query, 'before', { pk: '1' })
    await tick()
    await other.transaction(async (run) => {
      await put(run, 'open-1', { pk: '1' })
      await put(run, 'open-2', { pk: '2' })
      await put(app.query, 'behind-1', { pk: '1' })
      await put(app.query, 'behind-2', { pk: '2' })
      await put(app.query, 'same-pk', { pk: '1', model: 'clinic.other' })
      for (let n = 0; n < 1_200; n += 1) await put(app.query, `free-${n}`)
      t.match(await tick(), { state: 'reading', waiting: 2 })
      t.strictSame(recorded().slice(0, 3), ['before', 'same-pk', 'free-0'])
      t.equal(recorded().length, 1_202, 'pages after the first too')
      await put(run, 'open-3', { pk: 'pk-free-7' })
      await put(app.query, 'behind-3', { pk: 'pk-free-7' })
      t.match(await tick(), { waiting: 3 }, 'a record that it came to later')
    })
    t.match(await tick(), { waiting: 0, openTransactions: [] })
    const late = recorded().slice(1_202)
    t.strictSame(
      late.filter((id) => id.endsWith('-1')),
      ['open-1', 'behind-1'],
    )
    t.strictSame(
      late.filter((id) => id.endsWith('-2')),
      ['open-2', 'behind-2'],
    )
    t.strictSame(
      late.filter((id) => id.endsWith('-3')),
      ['open-3', 'behind-3'],
    )
  })

  t.test(
    `${dialect}: of two that are open, the one that began first writes a record last, and ends first`,
    options,
    async (t) => {
      const { app, database, reader, recorded } = await appWithOutbox(t, dialect)
      const { tick } = reader()
      const [early, late] = [database.connect(), database.connect()]
      const isEarlyOver = Promise.withResolvers<void>()
      let ended: Promise<void> | undefined
      await early.transaction(async (run) => {
        await put(run, 'early-other', { pk: '9' })
        const hasWritten = Promise.withResolvers<void>()
        ended = late.transaction(async (runLate) => {
          await put(runLate, 'first', { pk: '1' })
          hasWritten.resolve()
          await isEarlyOver.promise
          await tick()
          t.strictSame(recorded(), ['early-other'], 'what comes first in its record is not there yet')
        })
        await hasWritten.promise
        await put(run, 'second', { pk: '1' })
      })
      isEarlyOver.resolve()
      await ended
      await put(app.query, 'third', { pk: '1' })
      await tick()
      t.strictSame(recorded(), ['early-other', 'first', 'second', 'third'])
    },
  )

  t.test(
    `${dialect}: what was open and is rolled back leaves nothing, and holds nothing any more`,
    options,
    async (t) => {
      const { app, database, reader, recorded } = await appWithOutbox(t, dialect)
      const { tick } = reader()
      const rolledBack = database.connect().transaction(async (run) => {
        await put(run, 'never', { pk: '1' })
        await put(app.query, 'behind', { pk: '1' })
        await tick()
        t.strictSame(recorded(), [])
        throw new Error('thought better of it')
      })
      await t.rejects(rolledBack, /thought better/)
      await tick()
      t.strictSame(recorded(), ['behind'])
    },
  )

  t.test(`${dialect}: one that is open for long is told: which, and since when`, options, async (t) => {
    const { app, database, reader } = await appWithOutbox(t, dialect)
    let passed = 0
    const clock = { ...systemClock, monotonic: () => performance.now() * 1000 + passed }
    const { tick } = reader({ clock })
    await database.connect().transaction(async (run) => {
      await put(run, 'open', { pk: '1' })
      await put(app.query, 'behind', { pk: '1' })
      passed += 1_000_000
      t.match(await tick(), { openTransactions: [] }, 'not before it is long')
      passed += 61_000
      const told = await tick()
      t.match(told, { state: 'reading', waiting: 1, openTransactions: [{ since: /^2/ }] })
      const which = { postgresql: /^process \d+ of PostgreSQL$/, mariadb: /^connection \d+ of MariaDB$/ }
      t.match(told?.openTransactions[0]?.which, which[dialect])
    })
    passed += 1_000_000
    t.match(await tick(), { waiting: 0, openTransactions: [] })
  })

  t.test(
    `${dialect}: a large transaction uses no more locks than there are, and comes whole and in order`,
    options,
    async (t) => {
      const { app, database, reader, recorded } = await appWithOutbox(t, dialect)
      const { tick } = reader()
      const ids = Array.from({ length: 3_000 }, (_, n) => `n-${n}`)
      await database.connect().transaction(async (run) => {
        for (const id of ids) await put(run, id)
        await put(app.query, 'behind', { pk: 'pk-n-2999' })
        await tick()
        t.notOk(recorded().includes('behind'))
        if (dialect === 'postgresql') {
          const [locks] = await app.query(`SELECT count(*) n FROM pg_locks WHERE locktype = 'advisory'`)
          t.ok(Number(locks?.n) <= 64 + 256, `${locks?.n} locks`)
        }
      })
      await tick()
      t.strictSame(recorded(), [...ids, 'behind'])
    },
  )

  t.test(
    `${dialect}: several write, roll back and commit late while it reads: each once, and each record in order`,
    options,
    async (t) => {
      const { database, laptop, reader, recorded, rows } = await appWithOutbox(t, dialect)
      const { tick } = reader()
      const random = seeded(dialect.length)
      const committed: string[] = []
      const inRecord = new Map<string, string[]>()
      await database.connect().query('CREATE TABLE visits (pk integer PRIMARY KEY, n integer)')
      for (let pk = 0; pk < 8; pk += 1) await database.connect().query('INSERT INTO visits VALUES (?, 0)', [pk])
      let writing = true
      const writer = async (name: number) => {
        const app = database.connect()
        for (let turn = 0; turn < 40; turn += 1) {
          const made: Array<[string, string]> = []
          const keeps = random(4) > 0
          const first = random(8)
          await app
            .transaction(async (run) => {
              // In one order, as an app that does not run into itself does.
              for (const pk of [first, first + 1 + random(3)].filter((pk) => pk < 8)) {
                await touch(run, pk)
                const id = `w${name}-${turn}-${pk}`
                await put(run, id, { pk: String(pk) })
                made.push([String(pk), id])
              }
              if (!keeps) throw new Error('rolled back')
              // Within the lock of the record: the order of these is the order of the commits.
              for (const [pk, id] of made) inRecord.set(pk, [...(inRecord.get(pk) ?? []), id])
              committed.push(...made.map(([, id]) => id))
            })
            .catch((error) => {
              if (keeps) throw error
            })
        }
      }
      const reading = (async () => {
        while (writing) await tick()
      })()
      await Promise.all([0, 1, 2].map(writer))
      writing = false
      await reading
      await tick()
      t.strictSame(recorded().sort(), committed.sort(), 'each once, and none that was rolled back')
      for (const [pk, ids] of inRecord) t.strictSame(ofRecord(pk), ids, `record ${pk}`)
      t.strictSame(await rows(), [0, committed.length, 0])

      function ofRecord(pk: string): string[] {
        return laptop.store.$client
          .prepare<[string], { id: string }>(
            "SELECT line ->> '$.id' id FROM outbox WHERE line ->> '$.pk' = ? ORDER BY position",
          )
          .all(pk)
          .map(({ id }) => id)
      }
    },
  )
}

/** As an app does: the record itself is changed in the same transaction. */
async function touch(run: Run, pk: number): Promise<void> {
  await run('UPDATE visits SET n = n + 1 WHERE pk = ?', [pk])
}
