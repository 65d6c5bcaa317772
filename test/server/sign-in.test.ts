import t from 'tap'
import { disableAccount, setPassword } from '../../server/accounts.ts'
import { ManagerDoor, password } from '../fixtures/manager-door.ts'

const minute = 60_000
const by = { who: 'root', role: 'terminal' }

t.test('right, wrong, nobody: the same words for both that are wrong', async (t) => {
  const manager = await ManagerDoor.open(t)
  await manager.account('Naledi', 'manager')
  const right = await manager.tryIn('Naledi')
  t.match(right.json(), { bearer: /^[A-Za-z0-9_-]{43}$/, me: { name: 'Naledi', role: 'manager' } })
  const [wrong, nobody] = [await manager.tryIn('Naledi', 'not it at all, no'), await manager.tryIn('Nobody')]
  t.equal(wrong.statusCode, 401)
  t.equal(wrong.body, nobody.body)
  t.match(wrong.json(), { code: 'SIGN_IN_REFUSED', message: 'the name or the password is wrong' })
  t.same(
    manager.acts().map(({ who, act }) => [who, act]),
    [
      ['root', 'account'],
      ['Naledi', 'signIn'],
      ['Naledi', 'signInRefused'],
      ['', 'signInRefused'],
    ],
    'a name that is no account is not kept: people type their password there',
  )
})

t.test(
  'five wrong tries cost the account a minute, with the right password too; the clock is not the wall clock',
  async (t) => {
    const manager = await ManagerDoor.open(t)
    await manager.account('Naledi', 'manager')
    for (const name of ['Naledi', 'Nobody']) {
      for (let count = 0; count < 5; count++)
        t.equal((await manager.tryIn(name, 'not it at all, no', `10.0.0.${count}`)).statusCode, 401)
      const locked = await manager.tryIn(name, password, '10.0.0.9')
      t.equal(locked.statusCode, 429, name)
      t.match(locked.json(), { code: 'TRY_LATER', message: 'wrong 5 times: wait 60 s' }, name)
    }
    manager.clock.move(minute - 1)
    t.equal((await manager.tryIn('Naledi')).statusCode, 429)
    manager.clock.move(1)
    t.equal((await manager.tryIn('Naledi')).statusCode, 200)
    for (let count = 0; count < 4; count++) await manager.tryIn('Naledi', 'not it at all, no')
    t.equal((await manager.tryIn('Naledi')).statusCode, 200, 'four are no five')
    t.equal((await manager.tryIn('Naledi')).statusCode, 200, 'and are forgotten then')
  },
)

t.test('20 wrong tries cost an address ten minutes; another address is let in', async (t) => {
  const manager = await ManagerDoor.open(t)
  await manager.account('Naledi', 'manager')
  for (let count = 0; count < 20; count++) t.equal((await manager.tryIn(`nobody-${count}`)).statusCode, 401)
  t.equal((await manager.tryIn('Naledi')).statusCode, 429)
  t.equal((await manager.tryIn('Naledi', password, '10.0.0.2')).statusCode, 200)
  manager.clock.move(10 * minute)
  t.equal((await manager.tryIn('Naledi')).statusCode, 200)
})

t.test('many at once: one after the other, and not without end', async (t) => {
  const manager = await ManagerDoor.open(t)
  await manager.account('Naledi', 'manager')
  const tries = Array.from({ length: 24 }, (_, index) => manager.tryIn('Naledi', password, `10.0.1.${index}`))
  const statuses = (await Promise.all(tries)).map(({ statusCode }) => statusCode)
  t.equal(statuses.filter((status) => status === 200).length, 16)
  t.equal(statuses.filter((status) => status === 429).length, 8)
})

t.test('a session ends: after 30 idle minutes, after 12 hours, on sign-out, with the account', async (t) => {
  const manager = await ManagerDoor.open(t)
  const isIn = async (bearer: string) => (await manager.ask('GET', '/v1/manager/me', bearer)).status === 200
  for (const name of ['Naledi', 'Kagiso', 'Neo']) await manager.account(name, 'manager')
  const idle = await manager.signIn('Naledi')
  manager.clock.move(30 * minute - 1)
  t.equal(await isIn(idle), true)
  manager.clock.move(30 * minute)
  t.equal(await isIn(idle), false, 'idle')
  t.equal(await isIn(idle), false, 'and it stays over')
  const long = await manager.signIn('Naledi')
  for (let minutes = 0; minutes < 12 * 60 - 20; minutes += 20) {
    manager.clock.move(20 * minute)
    t.equal(await isIn(long), true)
  }
  manager.clock.move(20 * minute)
  t.equal(await isIn(long), false, 'a working day is over')
  const out = await manager.signIn('Naledi')
  t.equal((await manager.ask('POST', '/v1/manager/session/end', out, {})).status, 200)
  t.equal(await isIn(out), false, 'signed out')
  const [kept, other, neo] = [
    await manager.signIn('Kagiso'),
    await manager.signIn('Kagiso'),
    await manager.signIn('Neo'),
  ]
  const next = 'another password of mine'
  t.match(await manager.ask('POST', '/v1/manager/password', kept, { old: 'not it at all, no', next }), { status: 401 })
  t.match(await manager.ask('POST', '/v1/manager/password', kept, { old: password, next: 'short' }), { status: 400 })
  t.match(await manager.ask('POST', '/v1/manager/password', kept, { old: password, next }), { status: 200 })
  t.same([await isIn(kept), await isIn(other)], [true, false], 'another password: other pages must sign in again')
  t.equal((await manager.tryIn('Kagiso')).statusCode, 401)
  await setPassword(manager.context.store, by, 'Kagiso', password, manager.clock)
  t.equal(await isIn(kept), false, 'one that the terminal gave ends all of them')
  disableAccount(manager.context.store, by, 'Neo', manager.clock)
  t.equal(await isIn(neo), false, 'disabled')
  t.equal((await manager.tryIn('Neo')).statusCode, 401)
})

t.test('Host and Origin are this page’s own; a bearer in no other form', async (t) => {
  const manager = await ManagerDoor.open(t)
  await manager.account('Naledi', 'manager')
  const bearer = await manager.signIn('Naledi')
  const me = (headers: object) => manager.ask('GET', '/v1/manager/me', bearer, undefined, headers)
  for (const host of ['localhost', 'localhost:7462', 'clinic.example:443', '127.0.0.1:7462'])
    t.equal((await me({ host })).status, 200, host)
  for (const host of ['evil.example', 'localhost.evil.example', '10.0.0.1:7462', 'localhost:7462@evil.example'])
    t.match(await me({ host }), { status: 403, body: { code: 'FOREIGN_ORIGIN' } }, host)
  const post = await manager.door.inject({
    ...{ method: 'POST', url: '/v1/manager/session', payload: { name: 'Naledi', password } },
    headers: { host: 'localhost:7462' },
  })
  t.equal(post.statusCode, 403, 'a form of nobody’s page')
  for (const authorization of [
    '',
    'Bearer',
    `bearer ${bearer}`,
    `Bearer  ${bearer}`,
    `Bearer ${bearer}x`,
    `Basic ${bearer}`,
  ])
    t.equal((await manager.ask('GET', '/v1/manager/me', undefined, undefined, { authorization })).status, 401)
})

t.test('what a page asks by itself keeps no session open', async (t) => {
  const manager = await ManagerDoor.open(t)
  await manager.account('Naledi', 'reader')
  const bearer = await manager.signIn('Naledi')
  const origin = await manager.door.listen({ port: 0, host: '127.0.0.1' })
  const answer = await fetch(`${origin}/v1/manager/live`, { headers: { authorization: `Bearer ${bearer}` } })
  let told = ''
  for await (const chunk of answer.body ?? []) {
    told += Buffer.from(chunk)
    if (!told.endsWith('\n\n')) continue
    manager.clock.move(20 * minute)
    manager.context.changes.tell()
  }
  t.equal(told.split('\n\n').length - 1, 2, 'two pictures in 30 minutes, and no third')
  t.equal((await manager.ask('GET', '/v1/manager/me', bearer)).status, 401)
})
