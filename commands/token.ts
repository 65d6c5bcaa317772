import type { Command } from 'commander'
import { atTerminal } from '../server/actor.ts'
import { createToken, listTokens, revokeToken } from '../server/tokens.ts'
import { systemClock } from '../shared/service/clock.ts'
import { type OpenedServer, openServer } from './open-server.ts'
import { dataOption, examples, jsonOption } from './options.ts'
import { say, sayJson, sayTable } from './print.ts'

interface Options {
  data: string
  name: string
  json?: boolean
}

export function addToken(waybill: Command): void {
  const token = waybill.command('token').description("which apps may read from the server's HTTPS door")
  const create = token.command('create').description('make a token and print it: once, for only its digest is kept')
  const list = token.command('list').description('all tokens that were ever made, without their secrets')
  const revoke = token.command('revoke').description('let a token in no more, from now on')
  for (const command of [create, list, revoke]) command.addOption(dataOption("the server's data directory"))
  create.requiredOption('--name <name>', 'which app it is for').addOption(jsonOption()).action(createOne)
  list.addOption(jsonOption()).action(listAll)
  revoke.requiredOption('--name <name>', 'the token').action(revokeOne)
  examples(create, 'waybill token create --name clinic-app --data /srv/waybill > token')
  examples(list, 'waybill token list --data /srv/waybill')
  examples(revoke, 'waybill token revoke --name clinic-app --data /srv/waybill')
}

async function createOne({ data, name, json }: Options): Promise<void> {
  await atServer(data, ({ store }) => {
    const token = createToken(store, atTerminal(), name, systemClock)
    if (json) sayJson({ name, token })
    else say(token)
  })
}

async function listAll({ data, json }: Options): Promise<void> {
  await atServer(data, ({ store }) => {
    const tokens = listTokens(store)
    if (json) return sayJson(tokens)
    if (tokens.length === 0) return say('There is no token yet. Make one with: waybill token create')
    sayTable(
      ['token', 'made', 'revoked'],
      tokens.map(({ name, createdAt, revokedAt }) => [name, createdAt, revokedAt ?? '']),
    )
  })
}

async function revokeOne({ data, name }: Options): Promise<void> {
  await atServer(data, ({ store }) => {
    revokeToken(store, atTerminal(), name, systemClock)
    say(`${name} lets nobody in any more.`)
  })
}

async function atServer(data: string, act: (server: OpenedServer) => void): Promise<void> {
  const opened = await openServer(data)
  try {
    act(opened)
  } finally {
    opened.close()
  }
}
