import { Type } from '@sinclair/typebox'
import type { Identity } from '../shared/crypto/identity.ts'
import { onlyRoles } from '../shared/crypto/mutual-tls.ts'
import { gatewayCandidates } from '../shared/discovery/gateway.ts'
import { paths, ports } from '../shared/protocol/paths.ts'
import { PeerClient } from '../shared/transfer/peer-client.ts'

/**
 * Knocks where a hotspot's owner may be: if that is a relay, it learns that this laptop is here, even where multicast is
 * dropped. Nobody there is the usual case and no error.
 */
export async function knock(identity: Identity, port: number, only: string[]): Promise<void> {
  for (const host of gatewayCandidates(only)) {
    const client = new PeerClient({ identity, host, port: ports.relay, admit: onlyRoles('relay') })
    await client.json('POST', paths.knock, { v: 1, port }, Type.Null(), 1024).catch(() => undefined)
    await client.close()
  }
}
