import type { CertifiedPeer } from '../shared/crypto/certificate.ts'
import type { Meeting } from '../shared/protocol/meeting.ts'
import { asWaybillError, type ErrorCode, WaybillError } from '../shared/service/errors.ts'
import { prepared } from '../shared/storage/prepared.ts'
import type { PeerClient } from '../shared/transfer/peer-client.ts'
import { askAfter } from './ask-after.ts'
import { forward } from './forward.ts'
import { forwardHandovers } from './forward-handovers.ts'
import { hasOpenHandover } from './handover-lines.ts'
import { type Met, meet } from './meet.ts'
import type { Hold } from './open-store.ts'
import { prune } from './prune.ts'
import { type Progress, pull } from './pull.ts'
import { returnLost } from './return-receipts.ts'
import type { PeerState } from './schema.ts'
import { hasLines, takeLines } from './store-lines.ts'

const askAllMs = 5 * 60_000

/** What this program remembers of a peer from one visit to the next; lost at a restart, then all is asked again. */
export interface Memory {
  chain: string | undefined
  after: number
  /** What it said of itself when everything it listed was dealt with. */
  settledFor: string | undefined
  /** Batches and handovers that a server refused, and when they are offered again. */
  refusals: Map<string, number>
  /** From when on a server is asked again after all that it signed for and has not opened; monotonic milliseconds. */
  askAllAt: number
}

export const newMemory = (): Memory => ({
  ...{ chain: undefined, after: 0, settledFor: undefined },
  ...{ refusals: new Map(), askAllAt: 0 },
})

/** What a visit reports while it runs. */
export interface Report {
  /** Who answered, and was believed. @returns what is remembered of it, or undefined to end here: another visit is on */
  met(peer: CertifiedPeer, told: Meeting): Memory | undefined
  state(state: PeerState, progress?: Progress): void
  /** Payloads of so many laptops at once, and no more; lines wait for nobody's payloads. */
  inTurn<T>(work: () => Promise<T>): Promise<T>
}

/** What a visit came to. */
export interface Visited {
  /** Receipts that others wait for. */
  news: number
  /** Batches newly aboard, or newly at the server. */
  signed: number
  problems: WaybillError[]
  /** All that the peer told of, or that is for it, is where it belongs; otherwise another look soon is worth it. */
  settled: boolean
}

/**
 * One whole visit to whoever answers: meeting, then a laptop's lines and batches, or a server's share of what is aboard.
 * @throws what ends the visit: PEER_UNREACHABLE, faults of this disk
 */
export async function visit(hold: Hold, client: PeerClient, report: Report): Promise<Visited | undefined> {
  const met = await meet(hold, client)
  const peer = client.peer
  if (!peer) throw new WaybillError('PEER_UNREACHABLE', 'nobody answered')
  const memory = report.met(peer, met.told)
  if (!memory) return undefined
  return peer.role === 'field'
    ? visitLaptop(hold, client, report, memory, peer.device, met)
    : visitServer(hold, client, report, memory, peer.device, met)
}

async function visitLaptop(
  hold: Hold,
  client: PeerClient,
  report: Report,
  memory: Memory,
  device: string,
  { told, problems, news }: Met,
): Promise<Visited> {
  if (memory.chain !== told.head?.chain) Object.assign(memory, { ...newMemory(), chain: told.head?.chain })
  const found = [...problems]
  const said = JSON.stringify([told.head, hold.shelf.document.version])
  await takeNewLines(hold, client, device, told.lines).catch((error: unknown) => found.push(passable(error)))
  await returnLost(hold, client, device)
  let signed = 0
  if (memory.settledFor !== said) {
    const giver = { device, at: told.at, head: told.head }
    const progress = (now: Progress) => report.state('pulling', now)
    const pulled = await report.inTurn(() =>
      hold.awake.during(() => pull(hold, { client, giver, after: memory.after, progress })),
    )
    memory.after = pulled.after
    signed = pulled.signed
    found.push(...pulled.problems)
    const all = pulled.problems.length === 0 && told.head?.unsealed === 0
    memory.settledFor = all ? said : undefined
  }
  found.push(...setAside(hold, device))
  if (found.length > 0) memory.settledFor = undefined
  return { news, signed, problems: found, settled: told.head?.unsealed === 0 }
}

/** Lines first: with them people can begin before any payload is here. */
async function takeNewLines(hold: Hold, client: PeerClient, device: string, told: string | null): Promise<void> {
  // Whoever talks about an open handover takes them, after the signatures that close some.
  if (hasOpenHandover(hold.store, device)) return
  if (told === null || !hasLines(hold, device, told)) await takeLines(hold, client, device)
}

async function visitServer(
  hold: Hold,
  client: PeerClient,
  report: Report,
  memory: Memory,
  device: string,
  { problems, news }: Met,
): Promise<Visited> {
  const all = memory.askAllAt <= hold.clock.monotonic()
  await askAfter(hold, client, device, all)
  if (all) memory.askAllAt = hold.clock.monotonic() + askAllMs
  const forwarded = await forward(hold, client, device, memory.refusals, (signed) =>
    report.state('forwarding', { batches: signed, bytes: 0, ofBatches: 0, ofBytes: 0 }),
  )
  const handovers = await forwardHandovers(hold, client, device, memory.refusals)
  const after = forwarded.signed > 0 ? await meet(hold, client) : undefined
  if (after) await askAfter(hold, client, device, false)
  await prune(hold)
  return {
    news: news + forwarded.signed + (after?.news ?? 0),
    signed: forwarded.signed,
    problems: [...problems, ...forwarded.problems, ...handovers.problems, ...(after?.problems ?? [])],
    settled: !hasAny(hold, 'forwarded') && !hasAny(hold, 'aboard'),
  }
}

/** A laptop is not up to date while one of its batches is set aside. */
function setAside(hold: Hold, device: string): WaybillError[] {
  const row = prepared<[string], { code: string | null; why: string | null }>(
    hold.store.$client,
    "SELECT code, why FROM manifests WHERE producer = ? AND state = 'quarantined' LIMIT 1",
  ).get(device)
  return row ? [new WaybillError((row.code ?? 'UNEXPECTED') as ErrorCode, row.why ?? 'a batch is set aside')] : []
}

function hasAny(hold: Hold, state: 'forwarded' | 'aboard'): boolean {
  return prepared(hold.store.$client, 'SELECT 1 FROM manifests WHERE state = ? LIMIT 1').get(state) !== undefined
}

/** A fault of what was sent ends only that part of the visit. */
function passable(thrown: unknown): WaybillError {
  const error = asWaybillError(thrown)
  if (error.code === 'TOO_LARGE' || error.code === 'BAD_DOCUMENT') return error
  throw error
}
