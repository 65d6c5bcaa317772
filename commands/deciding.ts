import { userInfo } from 'node:os'
import { Option } from 'commander'
import type { IngestContext } from '../server/ingest.ts'
import type { Decider } from '../server/own-chain.ts'
import { systemClock } from '../shared/service/clock.ts'
import { readRuntime } from '../shared/service/runtime.ts'
import { openServer } from './open-server.ts'
import { say, sayJson } from './print.ts'

/** What every command takes that decides something. */
export interface DecidingOptions {
  data: string
  reason: string
  as?: string
  json?: true
}

/** What is opened of a server to look at what it has and to decide. */
export type Deciding = Awaited<ReturnType<typeof openServer>> & IngestContext

/** Why; it is signed with the decision. */
export function reasonOption(): Option {
  return new Option('--reason <text>', 'why; it is signed with the decision').makeOptionMandatory()
}

/** Who decides. */
export function asOption(): Option {
  return new Option('--as <name>', 'who decides, where it is not the user who is signed in on this computer')
}

/** Opens a server's directory, does it, and closes it again. */
export async function atServer<T>(data: string, act: (context: Deciding) => Promise<T>): Promise<T> {
  const opened = await openServer(data)
  try {
    return await act({ ...opened, clock: systemClock })
  } finally {
    opened.close()
  }
}

/** Decides, and tells what was decided. Beside the running program or without it: the decision counts when this returns. */
export async function decideAt(
  { data, reason, as, json }: DecidingOptions,
  act: (context: Deciding, who: Decider) => Promise<string>,
): Promise<void> {
  const decision = await atServer(data, (context) => act(context, { user: as ?? userInfo().username, reason }))
  if (json) return sayJson({ decision })
  const isRunning = readRuntime(data)?.program === 'server'
  say(
    `Decided and signed: ${decision}. ${isRunning ? 'The server applies it within seconds.' : 'It is applied when the server runs again.'}`,
  )
}
