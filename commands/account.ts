import { type Command, Option } from 'commander'
import {
  type AccountRole,
  accountRoles,
  addAccount,
  disableAccount,
  listAccounts,
  setPassword,
} from '../server/accounts.ts'
import { atTerminal } from '../server/actor.ts'
import { systemClock } from '../shared/service/clock.ts'
import { askPassword } from './ask-password.ts'
import { type OpenedServer, openServer } from './open-server.ts'
import { dataOption, examples, jsonOption } from './options.ts'
import { say, sayJson, sayTable } from './print.ts'

interface AtData {
  data: string
}

export function addAccountCommands(waybill: Command): void {
  const account = waybill.command('account').description("who may sign in to the server's page in the browser")
  const data = () => dataOption("the server's data directory")
  const add = account
    .command('add <name>')
    .description('make an account; the password is asked for, or read from standard input')
    .addOption(data())
    .addOption(
      new Option('--role <role>', 'manager: everything; lab: counts and what is set aside; reader: counts and reports')
        .choices([...accountRoles])
        .makeOptionMandatory(),
    )
    .option('--may-view', 'may look at decrypted records too; a manager always may')
    .action(addOne)
  const list = account.command('list').description('all accounts').addOption(data()).addOption(jsonOption())
  list.action(listAll)
  const password = account
    .command('password <name>')
    .description('give an account another password; whoever is signed in with it must sign in again')
    .addOption(data())
    .action(changePassword)
  const disable = account
    .command('disable <name>')
    .description('nobody signs in with it any more; what was done with it stays told')
    .addOption(data())
    .action(disableOne)
  examples(
    add,
    'waybill account add Naledi --role manager --data /srv/waybill',
    'pass show waybill | waybill account add Kagiso --role lab',
  )
  examples(list, 'waybill account list --data /srv/waybill')
  examples(password, 'waybill account password Naledi --data /srv/waybill')
  examples(disable, 'waybill account disable Kagiso --data /srv/waybill')
}

async function addOne(name: string, options: AtData & { role: AccountRole; mayView?: boolean }): Promise<void> {
  await atServer(options, async ({ store }) => {
    const account = { name, role: options.role, views: options.mayView === true }
    await addAccount(store, atTerminal(), account, await askPassword(), systemClock)
    say(`${name} may sign in as ${options.role}.`)
  })
}

async function listAll(options: AtData & { json?: boolean }): Promise<void> {
  await atServer(options, async ({ store }) => {
    const accounts = listAccounts(store)
    if (options.json) return sayJson(accounts)
    if (accounts.length === 0) return say('There is no account yet. Make one with: waybill account add')
    const rows = accounts.map(({ name, role, views, createdAt, disabledAt }) => {
      const records = views || role === 'manager' ? 'yes' : 'no'
      return [name, role, records, createdAt, disabledAt ?? '']
    })
    sayTable(['account', 'role', 'records', 'made', 'disabled'], rows)
  })
}

async function changePassword(name: string, options: AtData): Promise<void> {
  await atServer(options, async ({ store }) => {
    await setPassword(store, atTerminal(), name, await askPassword(), systemClock)
    say(`${name} has another password.`)
  })
}

async function disableOne(name: string, options: AtData): Promise<void> {
  await atServer(options, async ({ store }) => {
    disableAccount(store, atTerminal(), name, systemClock)
    say(`${name} may not sign in any more.`)
  })
}

async function atServer({ data }: AtData, act: (server: OpenedServer) => Promise<void>): Promise<void> {
  const opened = await openServer(data)
  try {
    await act(opened)
  } finally {
    opened.close()
  }
}
