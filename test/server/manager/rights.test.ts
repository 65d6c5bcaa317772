import t from 'tap'
import { type AccountRole, disableAccount } from '../../../server/accounts.ts'
import { type Right, rightsOf } from '../../../server/rights.ts'
import { unreviewedManagerWords } from '../../../shared/web/manager-words.ts'
import { type KnownRoute, ManagerDoor } from '../../fixtures/manager-door.ts'

/** What each may, written down here once more: who changes the program's table changes this one knowingly. */
const may: Record<string, Right[]> = {
  manager: ['counts', 'aside', 'records', 'decide'],
  lab: ['counts', 'aside'],
  reader: ['counts'],
  'lab who views': ['counts', 'aside', 'records'],
  'reader who views': ['counts', 'records'],
}

const isOpen = ({ url }: KnownRoute) => !url.startsWith('/v1/') || url === '/v1/manager/session'

t.test('every door x every account: whoever may not is told so before anything of the request is read', async (t) => {
  const manager = await ManagerDoor.open(t)
  const bearers: Record<string, string> = {}
  for (const who of Object.keys(may)) {
    const [role = '', ...views] = who.split(' ')
    await manager.account(who, role as AccountRole, views.length > 0)
    bearers[who] = await manager.signIn(who)
  }
  const doors = manager.routes.filter(({ method, url }) => method !== 'HEAD' && url.startsWith('/v1/manager/'))
  t.ok(doors.length > 15, `${doors.length} doors`)
  for (const { method, url, right } of doors.filter((door) => !isOpen(door)))
    for (const [who, bearer] of Object.entries(bearers)) {
      const isLive = url.endsWith('/live')
      // A body that no door takes: who may is told that, who may not is told only that.
      const answer = isLive ? await manager.ask('POST', url, bearer) : await refusedBody(manager, method, url, bearer)
      const isAllowed = (may[who] ?? []).includes(right as Right)
      if (isLive) continue
      if (isAllowed) t.not(answer.body.code, 'NOT_ALLOWED', `${method} ${url}: ${who} may`)
      else t.match(answer, { status: 403, body: { code: 'NOT_ALLOWED' } }, `${method} ${url}: ${who} may not`)
    }
})

function refusedBody(manager: ManagerDoor, method: string, url: string, bearer: string) {
  const path = url.replace(/:\w+/g, 'x')
  return method === 'GET'
    ? manager.ask('GET', `${path}?nothing=1`, bearer)
    : manager.ask('POST', path, bearer, { nothing: 1 })
}

t.test('every door without a session, with a false one, with one that is over: nobody is let in', async (t) => {
  const manager = await ManagerDoor.open(t)
  await manager.account('Naledi', 'manager')
  await manager.account('Neo', 'manager')
  const over = await manager.signIn('Neo')
  disableAccount(manager.context.store, { who: 'root', role: 'terminal' }, 'Neo', manager.clock)
  const before = manager.acts().length
  for (const door of manager.routes.filter((one) => one.method !== 'HEAD' && !isOpen(one)))
    for (const bearer of [undefined, 'x'.repeat(43), over]) {
      const { status, body } = await manager.ask(
        door.method as 'GET',
        door.url,
        bearer,
        door.method === 'GET' ? undefined : {},
      )
      t.same([status, body.code], [401, 'NOT_SIGNED_IN'], `${door.method} ${door.url}`)
    }
  t.equal(manager.acts().length, before, 'and nothing was done')
})

t.test('what is open holds no data: the page, its words, and the door that lets in', async (t) => {
  const manager = await ManagerDoor.open(t)
  for (const { url } of manager.routes.filter((door) => door.right === 'open' && door.method === 'GET')) {
    const answer = await manager.ask('GET', url)
    t.equal(answer.status, 200, url)
    t.notMatch(answer.text, manager.study.study, url)
  }
  t.same(
    manager.routes.filter(({ right }) => right === undefined),
    [],
    'each says whom it lets in',
  )
})

t.test('rights are the account’s, not the page’s', (t) => {
  for (const [who, rights] of Object.entries(may)) {
    const [role = '', ...views] = who.split(' ')
    t.same(rightsOf({ role: role as AccountRole, views: views.length > 0 }), rights, who)
  }
  t.end()
})

t.test('words that nobody has reviewed are shown where a demonstration asks for them, and nowhere else', async (t) => {
  const [usual, other] = [await ManagerDoor.open(t), await ManagerDoor.open(t, unreviewedManagerWords)]
  t.match((await usual.ask('GET', '/')).text, '<html lang="en">')
  t.match((await other.ask('GET', '/')).text, '<html lang="tn">')
  t.equal((await other.ask('GET', '/messages.json')).body['manager.signOut'], 'Tswa')
  t.equal((await usual.ask('GET', '/messages.json')).body['manager.signOut'], 'Sign out')
})
