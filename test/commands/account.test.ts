import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { findAccount } from '../../server/accounts.ts'
import { openStore } from '../../server/open-store.ts'
import { isPassword } from '../../server/password.ts'
import { foundTestStudy } from '../fixtures/study.ts'

const study = await foundTestStudy()
t.teardown(() => study.dispose())
const { data } = study.server

/** Runs `waybill account` with something on its standard input. */
async function account(words: string[], typed: string): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(join(import.meta.dirname, '../../bin/waybill'), ['account', ...words, '--data', data])
  child.stdin.on('error', () => undefined)
  child.stdin.end(typed)
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code, out, err }
}

async function isIt(name: string, password: string): Promise<boolean> {
  const store = openStore(data)
  try {
    return await isPassword(password, findAccount(store, name)?.password ?? '')
  } finally {
    store.$client.close()
  }
}

t.test(
  'made, listed, given another password, disabled: the password comes by standard input and is never shown',
  async (t) => {
    const made = await account(
      ['add', 'Naledi', '--role', 'lab', '--may-view'],
      'four words of mine\r\nand another line\n',
    )
    t.match(made, { code: 0, out: 'Naledi may sign in as lab.\n', err: '' })
    t.equal(await isIt('Naledi', 'four words of mine'), true, 'the first line, without its end')
    t.match(JSON.parse((await account(['list', '--json'], '')).out), [{ name: 'Naledi', role: 'lab', views: true }])
    t.match((await account(['password', 'Naledi'], 'other words of mine')).out, 'Naledi has another password.')
    t.equal(await isIt('Naledi', 'other words of mine'), true)
    t.match((await account(['disable', 'Naledi'], '')).out, 'Naledi may not sign in any more.')
    t.match((await account(['list'], '')).out, /Naledi\s+lab\s+yes\s+2\S+Z\s+2\S+Z\n/)
  },
)

t.test('refused in one line, with what to do', async (t) => {
  const refusals: Array<[string[], string, RegExp]> = [
    [['add', 'Neo', '--role', 'lab'], 'short\n', /^PASSWORD_REFUSED: .* Hint: .*\n$/],
    [['add', 'Neo', '--role', 'lab'], '', /^BAD_ARGUMENT: standard input holds no password\. Hint: .*\n$/],
    [['add', 'Neo'], 'four words of mine', /^BAD_ARGUMENT: .*--role.*\n$/],
    [['add', 'Neo', '--role', 'king'], 'four words of mine', /^BAD_ARGUMENT: .*\n$/],
    [['password', 'Neo'], 'four words of mine', /^NOT_FOUND: there is no account Neo\. .*\n$/],
    [['add', 'Neo', 'four words of mine', '--role', 'lab'], '', /^BAD_ARGUMENT: .*\n$/],
  ]
  for (const [words, typed, told] of refusals) {
    const { code, err } = await account(words, typed)
    t.equal(code, 1, words.join(' '))
    t.match(err, told, words.join(' '))
  }
})
