import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { cannotUse, dialects } from '../fixtures/app-databases.ts'
import { type ServedApp, servedApp, subjectLine } from '../fixtures/app-inbox.ts'
import { changeLine } from '../fixtures/craft-batch.ts'

t.setTimeout(300_000)

/** Copies the server's database as it is now. @returns what puts it back */
async function copied({ server, study }: ServedApp): Promise<() => Promise<void>> {
  const old = join(study.directory, 'old')
  await server.opened(({ store }) => store.$client.backup(old))
  return async () => {
    await server.stop()
    for (const end of ['', '-wal', '-shm']) rmSync(join(study.server.data, `waybill.sqlite${end}`), { force: true })
    cpSync(old, join(study.server.data, 'waybill.sqlite'))
    await server.start()
  }
}

/** What the app has been told, in short. */
async function told({ rows }: ServedApp): Promise<string[]> {
  return (await rows()).map(({ change_id: change }) => String(change))
}

const edit = (id: string, pk: string) => subjectLine(id, pk, { action: 'update', fields: { id } })

for (const dialect of dialects)
  t.test(`${dialect}: a server that was restored`, { skip: (await cannotUse(dialect)) ?? false }, async (t) => {
    const served = await servedApp(t, dialect)
    const { server, lap, app, give, sink } = served
    await give(subjectLine('s1', 'S-1'), subjectLine('t1', 'T-1'))
    const restore = await copied(served)
    const lost = [
      await give(edit('s2', 'S-1'), subjectLine('u1', 'U-1')),
      await give(edit('u2', 'U-1'), edit('u3', 'U-1')),
    ]
    await sink()
    const all = ['s1', 't1', 's2', 'u1', 'u2', 'u3']
    t.strictSame(await told(served), all)
    const before = await server.as(lap).meet()
    await restore()

    await t.rejects(sink(), { code: 'CURSOR_FOREIGN' }, 'it has not learnt that it was restored')
    t.strictSame(await told(served), all, 'so nothing is taken back from the app')

    await server.as(lap).meet({ deliveries: before.deliveries })
    await sink()
    t.strictSame(await told(served), [...all, 's1'], 'what it shows now where that differs, and nothing twice')
    for (const batch of lost) await server.as(lap).push(batch)
    await server.settled()
    await sink()
    const newest = new Map((await served.rows()).map((row) => [row.pk, row.change_id]))
    t.strictSame(
      [...newest],
      [
        ['S-1', 's2'],
        ['T-1', 't1'],
        ['U-1', 'u3'],
      ],
    )
    const count = (await told(served)).length
    await sink()
    t.equal((await told(served)).length, count)

    await t.test('that has everything again before it writes: nothing is told twice, nothing old again', async (t) => {
      const known = await told(served)
      server.sql(
        "UPDATE facts SET value = ? WHERE key = 'incarnation'",
        JSON.stringify({ number: 9, nonce: '9'.repeat(32) }),
      )
      await sink()
      t.strictSame(await told(served), known)
      const [place] = await app.query("SELECT * FROM waybill_position WHERE name = 'states'")
      t.match(place?.cursor, /^9-99999999\.\d+$/, 'and it goes on from here')
    })

    await t.test('a record that the app never heard of comes before its children, overtaken or not', async (t) => {
      await give(
        subjectLine('w1', 'W-1'),
        changeLine({ id: 'c1', pk: 'C-1', fields: { subject: ['key-W-1'] } }),
        edit('w2', 'W-1'),
      )
      const known = await told(served)
      server.sql(
        "UPDATE facts SET value = ? WHERE key = 'incarnation'",
        JSON.stringify({ number: 10, nonce: 'a'.repeat(32) }),
      )
      await sink()
      t.strictSame((await told(served)).slice(known.length), ['w1', 'c1', 'w2'])
    })
  })
