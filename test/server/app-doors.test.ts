import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { FeedEntry } from '../../server/feed.ts'
import { createToken, listTokens, revokeToken } from '../../server/tokens.ts'
import { systemClock } from '../../shared/service/clock.ts'
import { WaybillError } from '../../shared/service/errors.ts'
import { PayloadStore } from '../../shared/storage/payload-store.ts'
import { AppClient } from '../fixtures/app-client.ts'
import { changeLine } from '../fixtures/craft-batch.ts'
import { TestServer } from '../fixtures/server-run.ts'
import { foundTestStudy } from '../fixtures/study.ts'
import { until } from '../fixtures/until.ts'

t.setTimeout(120_000)
const actor = { who: 'tester', role: 'terminal' }

async function begin(t: Test) {
  const study = await foundTestStudy()
  t.teardown(study.dispose)
  const lap = await study.enrol('field', 'lap-01')
  // Before the server starts: one that runs takes a newer version a moment later.
  await study.publish(() => ({ models: { 'clinic.visit': { naturalKey: [], offline: true } } }))
  const server = await TestServer.start(t, study.server)
  const app = await AppClient.open(t, server)
  const laptop = await server.laptop(lap)
  const give = async (...lines: string[]) => {
    const batch = await laptop.batch(lines)
    await server.as(lap).push(batch)
    await server.settled()
    return batch
  }
  const idsAfter = async (query: string) =>
    (await app.lines<FeedEntry>(`/v1/changes?${query}`)).map(({ change }) => (change as { id: string }).id)
  return { study, server, app, give, idsAfter }
}

t.test('a token in force, and nothing else, lets an app in; its secret is stored nowhere', async (t) => {
  const { study, server, app } = await begin(t)
  t.match(app.token, /^waybill_[A-Za-z0-9_-]{43}$/)
  t.equal((await app.ask('/v1/changes')).status, 200)
  const other = `${app.token.slice(0, -1)}${app.token.endsWith('A') ? 'B' : 'A'}`
  const forged = [null, '', 'Bearer ', `Bearer ${other}`, `bearer ${app.token}`, `Basic ${app.token}`, app.token]
  for (const header of [...forged, `Bearer ${app.token} `.repeat(2)])
    t.equal(await app.refusal('/v1/changes', header), '401 TOKEN_REFUSED', String(header))
  for (const path of ['/v1/states', '/v1/records/clinic.visit', '/v1/records/clinic.visit/1', '/v1/openapi.json'])
    t.equal(await app.refusal(path, null), '401 TOKEN_REFUSED', path)
  const files = readdirSync(study.server.data, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())
  for (const { parentPath, name } of files) t.notOk(readFileSync(join(parentPath, name)).includes(app.token), name)
  const acts = server.sql("SELECT who, role, act, about FROM acts WHERE act = 'createToken'")
  t.strictSame(acts, [{ ...actor, act: 'createToken', about: 'clinic-app' }])
})

t.test('revoked: at once, for a read that waits too; its name is not given again', async (t) => {
  const { server, app, give } = await begin(t)
  const waiting = app.ask('/v1/changes?wait=60')
  await server.opened(({ store }) => {
    revokeToken(store, actor, 'clinic-app', systemClock)
    t.throws(
      () => revokeToken(store, actor, 'clinic-app', systemClock),
      new WaybillError('NOT_FOUND', 'there is no token clinic-app in force'),
    )
    t.throws(() => createToken(store, actor, 'clinic-app', systemClock), { code: 'BAD_ARGUMENT' })
    for (const name of ['', ' ', 'a\nb', 'x'.repeat(101)])
      t.throws(() => createToken(store, actor, name, systemClock), { code: 'BAD_ARGUMENT' }, JSON.stringify(name))
    t.match(listTokens(store), [{ name: 'clinic-app', revokedAt: /^\d{4}/ }])
  })
  t.equal(await app.refusal('/v1/changes'), '401 TOKEN_REFUSED')
  await give(changeLine({ id: 'secret' }))
  const told = await waiting
  t.equal(told.status, 401)
  t.notMatch(await told.text(), 'secret')
})

t.test('whoever tries tokens is put off; an app with a good one at the same address is not', async (t) => {
  const { app } = await begin(t)
  const said: string[] = []
  for (let count = 0; count < 21; count++)
    said.push(await app.refusal('/v1/changes', `Bearer waybill_${'A'.repeat(43)}`))
  t.strictSame(said, [...Array(20).fill('401 TOKEN_REFUSED'), '429 TRY_LATER'])
  t.equal((await app.ask('/v1/changes')).status, 200)
})

t.test('changes: each once, in order, from any cursor on', async (t) => {
  const { app, give, idsAfter } = await begin(t)
  t.strictSame(await idsAfter(''), [])
  await give(...['a', 'b', 'c'].map((id) => changeLine({ id, fields: { note: 'é\u2028"' } })))
  await give(changeLine({ id: 'd' }), changeLine({ id: 'a', fields: { note: 'é\u2028"' } }))
  t.strictSame(await idsAfter(''), ['a', 'b', 'c', 'd'], 'a repeat is told once')
  const all = await app.lines<FeedEntry>('/v1/changes')
  t.match(all[0]?.change, { fields: { note: 'é\u2028"' } })
  const read: string[] = []
  for (let after = ''; ; ) {
    const [next] = await app.lines<FeedEntry>(`/v1/changes?limit=1${after}`)
    if (!next) break
    read.push((next.change as { id: string }).id)
    after = `&after=${next.cursor}`
  }
  t.strictSame(read, ['a', 'b', 'c', 'd'])
  t.strictSame(await idsAfter(`after=${all[1]?.cursor}&limit=10000`), ['c', 'd'])
})

t.test(
  'records as they are now, each once; one of them; every change of one; what is not here is not found',
  async (t) => {
    const { app, give } = await begin(t)
    const all = ['a', 'b', 'c', 'd', 'e'].map((id) => changeLine({ id, pk: `${id} / ü` }))
    await give(...all, changeLine({ id: 'b2', pk: 'b / ü', action: 'update', fields: { weight: 62 } }))
    type Told = { pk: string }
    const first = await app.lines<Told>('/v1/records/clinic.visit?limit=2')
    const rest = await app.lines<Told>(`/v1/records/clinic.visit?after=${encodeURIComponent(first[1]?.pk ?? '')}`)
    t.strictSame([first.length, rest.length], [2, 3])
    t.strictSame([...first, ...rest].map(({ pk }) => pk[0]).sort(), ['a', 'b', 'c', 'd', 'e'])
    t.strictSame(await app.lines('/v1/records/clinic.visit'), [...first, ...rest], 'in the same order each time')
    const one = `/v1/records/clinic.visit/${encodeURIComponent('b / ü')}`
    t.match(await (await app.ask(one)).json(), {
      state: 'present',
      fields: { weight: 62 },
      change: 'b2',
      pks: ['b / ü'],
    })
    const history = await app.lines<{ change: { id: string }; isShown: boolean }>(`${one}/history`)
    t.strictSame(
      history.map(({ change, isShown }) => [change.id, isShown]),
      [
        ['b', false],
        ['b2', true],
      ],
    )
    for (const path of [
      '/v1/records/clinic.visit/none',
      '/v1/records/clinic.visit/none/history',
      '/v1/records/no.model/b',
    ])
      t.equal(await app.refusal(path), '404 NOT_FOUND', path)
    t.strictSame(await app.lines('/v1/records/no.model'), [])
    t.equal(await app.refusal('/v1/records/no%20model'), '400 BAD_REQUEST')
    t.equal(await app.refusal(`/v1/records/clinic.visit/${'x'.repeat(201)}`), '400 BAD_REQUEST')
  },
)

t.test('what a door does not know it refuses', async (t) => {
  const { server, app } = await begin(t)
  const life = (await server.status()).incarnation
  const cursor = `${life.number}-${life.nonce.slice(0, 8)}`
  for (const query of [
    'limit=0',
    'limit=10001',
    'limit=1.5',
    'limit=-1',
    'limit=',
    'wait=61',
    'wait=-1',
    'wait=x',
    'more=1',
    'after=1',
    'limit=1&limit=2',
    `after=${cursor}.1'`,
  ])
    t.equal(await app.refusal(`/v1/changes?${query}`), '400 BAD_REQUEST', query)
  t.equal(await app.refusal('/v1/nothing'), '404 NOT_FOUND')
  t.equal((await app.ask('/v1/changes?after=')).status, 400, 'an empty cursor is none')
  for (const after of [`${cursor}.1`, '1-00000000.1', `9${cursor}.0`]) {
    const answer = await app.ask(`/v1/changes?after=${after}`)
    t.equal(answer.status, 409)
    const { code, message } = (await answer.json()) as { code: string; message: string }
    t.equal(code, 'CURSOR_FOREIGN')
    const [restart] = /\d+-[0-9a-f]{8}\.0$/.exec(message) ?? []
    t.equal((await app.ask(`/v1/changes?after=${restart}`)).status, 200, 'where it says, reading goes on')
  }
})

t.test(
  'long poll: told as soon as there is something, else when its time is up, else when the server ends',
  async (t) => {
    const { server, app, give } = await begin(t)
    const before = performance.now()
    t.strictSame(await app.lines('/v1/changes?wait=1'), [])
    t.ok(performance.now() - before >= 990, 'it waited')
    const waiting = app.lines<FeedEntry>('/v1/changes?wait=60')
    await give(changeLine({ id: 'news' }))
    t.match(await waiting, [{ change: { id: 'news' } }])
    const [entry] = await app.lines<FeedEntry>('/v1/changes')
    const last = app.ask(`/v1/changes?wait=60&after=${entry?.cursor}`).then(
      (answer) => answer.text(),
      () => '',
    )
    await new Promise((resolve) => setImmediate(resolve))
    const stopping = performance.now()
    await server.stop()
    t.equal(await last, '')
    t.ok(performance.now() - stopping < 10_000, 'nobody is waited for')
  },
)

t.test('what the disk lost in the middle: the answer breaks off, and the next one says why', async (t) => {
  const { study, app, give } = await begin(t)
  await give(changeLine({ id: 'whole', fields: { note: 'x'.repeat(100_000) } }))
  const lost = await give(changeLine({ id: 'lost' }))
  rmSync(new PayloadStore(join(study.server.data, 'payloads')).pathOf(lost.document.payload.digest))
  const answer = await app.ask('/v1/changes')
  t.equal(answer.status, 200)
  await t.rejects(answer.text(), 'no reader takes this for the end')
  const [first] = await app.lines<FeedEntry>('/v1/changes?limit=1')
  t.equal(await app.refusal(`/v1/changes?after=${first?.cursor}`), '404 NOT_FOUND')
})

t.test('a greedy app waits for itself, and others do not wait for it', async (t) => {
  const { server, app } = await begin(t)
  const other = await AppClient.open(t, server, 'other-app')
  const held = new AbortController()
  const hold = async () => {
    while ((await app.ask('/v1/changes?wait=60', undefined, held.signal)).status === 429);
  }
  const reads = [1, 2, 3, 4].map(() => hold().catch(() => undefined))
  await until('four reads of one token at once', async () => (await app.ask('/v1/changes')).status === 429)
  t.equal((await other.ask('/v1/changes')).status, 200)
  held.abort()
  await Promise.all(reads)
  await until('whoever goes away makes room', async () => (await app.ask('/v1/changes')).status === 200)
})
