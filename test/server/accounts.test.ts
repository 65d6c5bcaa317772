import t from 'tap'
import { addAccount, disableAccount, findAccount, listAccounts, setPassword } from '../../server/accounts.ts'
import { hashPassword, isPassword } from '../../server/password.ts'
import { ManagerDoor, password } from '../fixtures/manager-door.ts'

const by = { who: 'root', role: 'terminal' }

t.test('a password is stored as an argon2id hash in PHC form, each with its own salt', async (t) => {
  const [one, two] = await Promise.all([hashPassword(password), hashPassword(password)])
  t.match(one, /^\$argon2id\$v=19\$m=47104,t=3,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  t.not(one, two)
  t.equal(await isPassword(password, one), true)
  for (const other of ['', 'four words of mine ', 'Four words of mine', `${password}\0`])
    t.equal(await isPassword(other, one), false, JSON.stringify(other))
  t.equal(
    await isPassword('caf\u00e9 au lait for all', await hashPassword('cafe\u0301 au lait for all')),
    true,
    'spelled otherwise',
  )
  const cheaper = '$argon2id$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
  t.equal(await isPassword(password, cheaper), false, 'of another cost, which is read from it')
  for (const damaged of ['', 'x', one.replace('argon2id', 'argon2i'), one.slice(0, -1)])
    await t.rejects(isPassword(password, damaged), { code: 'STORAGE_FAILED' }, damaged)
})

t.test('accounts: made, listed, given another password, disabled; each act is written down with who', async (t) => {
  const { context, clock } = await ManagerDoor.open(t)
  const { store } = context
  await addAccount(store, by, { name: 'Naledi', role: 'manager', views: false }, password, clock)
  for (const [name, given] of [
    ['', password],
    [' Naledi', password],
    ['Na\nledi', password],
    ['x'.repeat(101), password],
    ['Kagiso', 'too short'],
    ['Kagiso', 'x'.repeat(201)],
    ['Kagiso', 'aaaaaaaaaaaaaaaaaaaaaa'],
    ['Kagiso', 'my name is kagiso, hello'],
  ] as const)
    await t.rejects(
      addAccount(store, by, { name, role: 'lab', views: false }, given, clock),
      { code: /BAD_ARGUMENT|PASSWORD_REFUSED/ },
      `${name}: ${given.slice(0, 20)}`,
    )
  await t.rejects(addAccount(store, by, { name: 'Naledi', role: 'lab', views: true }, password, clock), {
    code: 'BAD_ARGUMENT',
  })
  await addAccount(store, by, { name: 'Kagiso', role: 'lab', views: true }, password, clock)
  const old = findAccount(store, 'Kagiso')?.password ?? ''
  await setPassword(store, by, 'Kagiso', 'another password of mine', clock)
  t.equal(await isPassword('another password of mine', findAccount(store, 'Kagiso')?.password ?? ''), true)
  t.not(findAccount(store, 'Kagiso')?.password, old)
  disableAccount(store, by, 'Kagiso', clock)
  await t.rejects(setPassword(store, by, 'Neo', password, clock), { code: 'NOT_FOUND' })
  t.throws(() => disableAccount(store, by, 'Neo', clock), { code: 'NOT_FOUND' })
  t.match(listAccounts(store), [
    { name: 'Kagiso', role: 'lab', views: true, disabledAt: /^2026/ },
    { name: 'Naledi', role: 'manager', views: false, disabledAt: null },
  ])
  t.notMatch(JSON.stringify(listAccounts(store)), /argon2/, 'the hash stays where it is')
  const acts = store.$client.prepare<[], { act: string; about: string; who: string }>('SELECT * FROM acts').all()
  t.same(
    acts.map(({ act, about, who }) => [act, about, who]),
    [
      ['account', 'account Naledi', 'root'],
      ['account', 'account Kagiso', 'root'],
      ['password', 'account Kagiso', 'root'],
      ['disable', 'account Kagiso', 'root'],
    ],
  )
  t.notMatch(JSON.stringify(acts), /words of mine|argon2/)
})
