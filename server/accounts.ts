import type { Clock } from '../shared/service/clock.ts'
import { WaybillError } from '../shared/service/errors.ts'
import type { Actor } from './actor.ts'
import { appendAct } from './acts.ts'
import type { ServerStore } from './open-store.ts'
import { checkPassword, hashPassword } from './password.ts'

/** What a person may be at the server's page. */
export const accountRoles = ['manager', 'lab', 'reader'] as const
export type AccountRole = (typeof accountRoles)[number]

/** Who may sign in. `views`: may look at records, whatever the role; a manager always may. */
export interface Account {
  name: string
  role: AccountRole
  views: boolean
  createdAt: string
  disabledAt: string | null
}

type Row = Omit<Account, 'views'> & { views: number; password: string }

const longestName = 100
const columns = 'name, role, views, created_at createdAt, disabled_at disabledAt, password'

/** Makes an account. @throws BAD_ARGUMENT for a name that cannot be or is taken, PASSWORD_REFUSED */
export async function addAccount(
  store: ServerStore,
  by: Actor,
  { name, role, views }: Pick<Account, 'name' | 'role' | 'views'>,
  password: string,
  clock: Clock,
): Promise<void> {
  checkName(name)
  checkPassword(name, password)
  const hash = await hashPassword(password)
  const now = clock.now()
  store.$client
    .transaction(() => {
      if (findAccount(store, name)) throw new WaybillError('BAD_ARGUMENT', `there is an account ${name} already`)
      store.$client
        .prepare('INSERT INTO accounts (name, role, views, password, created_at) VALUES (?, ?, ?, ?, ?)')
        .run(name, role, Number(views), hash, now.toISOString())
      appendAct(store, by, { act: 'account', about: `account ${name}`, new: { role, views } }, now)
    })
    .immediate()
}

/** All accounts, disabled ones too. */
export function listAccounts(store: ServerStore): Account[] {
  return store.$client
    .prepare<[], Row>(`SELECT ${columns} FROM accounts ORDER BY name`)
    .all()
    .map(({ password: _hash, ...account }) => ({ ...account, views: account.views === 1 }))
}

/** The account with its stored password; undefined where there is none. */
export function findAccount(store: ServerStore, name: string): (Account & { password: string }) | undefined {
  const row = store.$client.prepare<[string], Row>(`SELECT ${columns} FROM accounts WHERE name = ?`).get(name)
  return row && { ...row, views: row.views === 1 }
}

/** Gives an account another password, and whoever is signed in with the old one is so no more. @throws NOT_FOUND, PASSWORD_REFUSED */
export async function setPassword(
  store: ServerStore,
  by: Actor,
  name: string,
  password: string,
  clock: Clock,
): Promise<void> {
  checkPassword(name, password)
  const hash = await hashPassword(password)
  change(store, name, () => {
    store.$client.prepare('UPDATE accounts SET password = ? WHERE name = ?').run(hash, name)
    appendAct(store, by, { act: 'password', about: `account ${name}` }, clock.now())
  })
}

/** Nobody signs in with it any more; what was done with it stays told under its name. @throws NOT_FOUND */
export function disableAccount(store: ServerStore, by: Actor, name: string, clock: Clock): void {
  const at = clock.now()
  change(store, name, () => {
    store.$client
      .prepare('UPDATE accounts SET disabled_at = coalesce(disabled_at, ?) WHERE name = ?')
      .run(at.toISOString(), name)
    appendAct(store, by, { act: 'disable', about: `account ${name}` }, at)
  })
}

function change(store: ServerStore, name: string, act: () => void): void {
  store.$client
    .transaction(() => {
      if (!findAccount(store, name)) throw new WaybillError('NOT_FOUND', `there is no account ${name}`)
      act()
    })
    .immediate()
}

/** It is typed to sign in and read in lists: one line, nothing at its ends that nobody sees. */
function checkName(name: string): void {
  if (name.trim() !== name || name === '' || name.length > longestName || /\p{C}/u.test(name))
    throw new WaybillError('BAD_ARGUMENT', `a name has 1 to ${longestName} characters, in one line`)
}
