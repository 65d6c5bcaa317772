import { Type } from '@sinclair/typebox'
import { Count } from '../shared/protocol/fields.ts'
import { paths } from '../shared/protocol/paths.ts'
import type { PeerClient } from '../shared/transfer/peer-client.ts'
import type { Hold } from './open-store.ts'
import { markReturned, type OwnReceipt, unreturnedReceipts } from './take-custody.ts'

const Taken = Type.Object({ taken: Count })
const most = 500
const maxAnswerBytes = 4096

/** Gives a laptop this relay's receipts for its batches. They are called returned only when the laptop has answered. */
export async function returnReceipts(hold: Hold, client: PeerClient, receipts: OwnReceipt[]): Promise<void> {
  for (let first = 0; first < receipts.length; first += most) {
    const given = receipts.slice(first, first + most)
    const body = { receipts: given.map(({ jws }) => jws) }
    await client.json('POST', paths.custody, body, Taken, maxAnswerBytes)
    markReturned(hold, given)
  }
}

/** Gives again what the laptop has not confirmed: this program or the way broke off before the answer came. */
export async function returnLost(hold: Hold, client: PeerClient, producer: string): Promise<void> {
  for (;;) {
    const lost = unreturnedReceipts(hold.store, producer, most)
    if (lost.length === 0) return
    await returnReceipts(hold, client, lost)
  }
}
