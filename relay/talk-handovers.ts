import { eq } from 'drizzle-orm'
import { onlyRoles } from '../shared/crypto/mutual-tls.ts'
import { checkStanding } from '../shared/crypto/standing.ts'
import type { Desk } from '../shared/handover/open-desk.ts'
import { HandoverExchange, type HandoverHead, maxExchangeBytes } from '../shared/protocol/handover.ts'
import { paths } from '../shared/protocol/paths.ts'
import { asWaybillError, WaybillError } from '../shared/service/errors.ts'
import { PeerClient } from '../shared/transfer/peer-client.ts'
import { noteClock } from './clock-offsets.ts'
import type { Hold } from './open-store.ts'
import { peers } from './schema.ts'
import { hasLines, takeLines } from './store-lines.ts'

const everyMs = 500
const longestRetryMs = 15_000

/** The talk about one handover, on a connection of its own. */
interface Talk {
  head: HandoverHead
  client: PeerClient | undefined
  place: string
  dueAt: number
  failures: number
  running: Promise<void> | undefined
  /** Something was done while it ran. */
  isNews: boolean
}

/**
 * Talks with each laptop about the handovers that are open with it, about twice a second, and at once when something was done here.
 * A laptop that does not answer is asked less and less often; visits and pulls go on beside it.
 */
export class HandoverTalks {
  readonly #hold: Hold
  readonly #desk: Pick<Desk, 'open' | 'ask' | 'take'>
  readonly #talks = new Map<string, Talk>()
  #closed = false

  constructor(hold: Hold, desk: Pick<Desk, 'open' | 'ask' | 'take'>) {
    this.#hold = hold
    this.#desk = desk
  }

  /** Something was done in a handover here: whoever answers is told at once. */
  hurry(): void {
    for (const talk of this.#talks.values()) {
      talk.isNews = true
      if (talk.failures === 0) talk.dueAt = 0
    }
    this.wake()
  }

  /** Begins what is due; call it now and then. */
  wake(): void {
    if (this.#closed) return
    const open = this.#desk.open()
    for (const head of open) if (!this.#talks.has(head.id)) this.#talks.set(head.id, newTalk(head))
    const ids = new Set(open.map(({ id }) => id))
    for (const [id, talk] of this.#talks) {
      if (talk.running) continue
      if (!ids.has(id)) this.#end(id, talk)
      else if (talk.dueAt <= this.#hold.clock.monotonic())
        talk.running = this.#round(talk).finally(() => {
          talk.running = undefined
          if (talk.isNews && talk.failures === 0) this.wake()
        })
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    const talks = [...this.#talks.values()]
    await Promise.all(talks.map(({ client }) => client?.close()))
    await Promise.all(talks.map(({ running }) => running))
  }

  async #round(talk: Talk): Promise<void> {
    const { clock, logger } = this.#hold
    talk.isNews = false
    try {
      const client = await this.#clientOf(talk)
      if (client) await this.#exchange(talk, client)
      talk.failures = 0
      talk.dueAt = talk.isNews ? 0 : clock.monotonic() + everyMs
    } catch (thrown) {
      const { code, message } = asWaybillError(thrown)
      talk.failures += 1
      talk.dueAt = clock.monotonic() + Math.min(longestRetryMs, everyMs * 2 ** Math.min(talk.failures, 10))
      if (!this.#closed) logger.info({ peer: talk.head.giver, code, failures: talk.failures }, message)
      await talk.client?.close()
      talk.client = undefined
    }
  }

  async #exchange({ head }: Talk, client: PeerClient): Promise<void> {
    const { id, giver } = head
    const asked = this.#desk.ask(id)
    const told = await client.json('POST', paths.handover, asked, HandoverExchange, maxExchangeBytes)
    noteClock(this.#hold, giver, told.at)
    for (const { code, message } of await this.#desk.take(id, giver, told))
      this.#hold.logger.warn({ peer: giver, code }, message)
    if (told.lines !== null && !hasLines(this.#hold, giver, told.lines)) await takeLines(this.#hold, client, giver)
  }

  /** The laptop may have another address now. @returns undefined where none is known */
  async #clientOf(talk: Talk): Promise<PeerClient | undefined> {
    const { store, identity, shelf } = this.#hold
    const { giver } = talk.head
    const known = store.select().from(peers).where(eq(peers.device, giver)).get()
    if (!known) return undefined
    const place = `${known.host}:${known.port}`
    if (talk.client && talk.place === place) return talk.client
    await talk.client?.close()
    const role = onlyRoles('field')
    talk.place = place
    talk.client = new PeerClient({
      ...{ identity, host: known.host, port: known.port },
      admit: (peer) => {
        role(peer)
        checkStanding(shelf.document, peer)
        if (peer.device !== giver)
          throw new WaybillError('CREDENTIAL_REFUSED', 'another laptop answers at this address')
      },
    })
    return talk.client
  }

  #end(id: string, talk: Talk): void {
    this.#talks.delete(id)
    void talk.client?.close()
  }
}

function newTalk(head: HandoverHead): Talk {
  return { head, client: undefined, place: '', dueAt: 0, failures: 0, running: undefined, isNews: false }
}
