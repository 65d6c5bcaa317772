import { ne } from 'drizzle-orm'
import type { CertifiedPeer } from '../shared/crypto/certificate.ts'
import type { Head } from '../shared/protocol/custody-receipt.ts'
import type { WaybillError } from '../shared/service/errors.ts'
import { prepared } from '../shared/storage/prepared.ts'
import { type Hold, withoutSync } from './open-store.ts'
import { type PeerState, peers } from './schema.ts'

export type PeerRow = typeof peers.$inferSelect

const note = `INSERT INTO peers (device, role, host, port, state, since, metAt, headChain, headSeq, unsealed)
  VALUES (@device, @role, @host, @port, 'trusted', @at, @metAt, @headChain, @headSeq, @unsealed)
  ON CONFLICT (device) DO UPDATE SET role = excluded.role, host = excluded.host, port = excluded.port,
    metAt = excluded.metAt, headChain = excluded.headChain, headSeq = excluded.headSeq, unsealed = excluded.unsealed`

/** Notes that a peer answered and was believed, and what it said of itself. */
export function noteMet(
  hold: Hold,
  peer: CertifiedPeer,
  address: { host: string; port: number },
  head: Head | null,
): void {
  const at = hold.clock.now().toISOString()
  const { host, port } = address
  const known = peerRow(hold, peer.device)
  const said = { headChain: head?.chain ?? null, headSeq: head?.seq ?? null, unsealed: head?.unsealed ?? null }
  const met = { role: peer.role, host, port, metAt: at, ...said }
  // A quiet meeting every 15 s is not worth a write each time.
  if (known && isSameMinute(known.metAt, at) && known.headSeq === said.headSeq && known.unsealed === said.unsealed) {
    if (known.host === host && known.port === port && known.headChain === said.headChain) return
  }
  // What a power cut takes back is learnt again at the next meeting.
  withoutSync(hold, ({ $client }) => prepared($client, note).run({ device: peer.device, at, ...met }))
}

/** Notes how far a peer is; the time since when changes only with the state. @returns whether something changed */
export function noteState(hold: Hold, device: string, state: PeerState, failures = 0, error?: WaybillError): boolean {
  const known = peerRow(hold, device)
  if (!known) return false
  const code = error?.code ?? null
  const why = error?.message ?? null
  if (known.state === state && known.code === code && known.why === why && known.failures === failures) return false
  const since = known.state === state ? known.since : hold.clock.now().toISOString()
  const change = 'UPDATE peers SET state = ?, since = ?, failures = ?, code = ?, why = ? WHERE device = ?'
  withoutSync(hold, ({ $client }) => prepared($client, change).run(state, since, failures, code, why, device))
  return true
}

/** Nobody is near whom this program has not met itself: called when it begins and when it ends. */
export function noteAllGone(hold: Hold): void {
  const since = hold.clock.now().toISOString()
  hold.commit((store) => store.update(peers).set({ state: 'gone', since }).where(ne(peers.state, 'gone')).run())
}

function peerRow(hold: Hold, device: string): PeerRow | undefined {
  // Every step of a transfer asks: building a typed query would cost more than it does to run it.
  return prepared<[string], PeerRow>(hold.store.$client, 'SELECT * FROM peers WHERE device = ?').get(device)
}

function isSameMinute(before: string | null, now: string): boolean {
  return before !== null && before.slice(0, 16) === now.slice(0, 16)
}
