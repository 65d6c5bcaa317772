import { randomBytes } from 'node:crypto'
import { sha256 } from '../shared/crypto/digest.ts'
import type { Clock } from '../shared/service/clock.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { type Account, findAccount } from './accounts.ts'
import type { ServerStore } from './open-store.ts'

const minuteMs = 60_000
/** Nothing was asked for so long: whoever left the page open is not there any more. */
const idleMs = 30 * minuteMs
/** A working day; whoever is still there signs in again. */
const longestMs = 12 * 60 * minuteMs
const most = 256

interface Session {
  name: string
  /** The stored password under which it began: with another one it is over. */
  password: string
  began: number
  asked: number
}

/** Who is signed in, in memory, so that a restart signs everybody out. Only digests of the bearers are kept. */
export class PeopleSessions {
  readonly #store: ServerStore
  readonly #clock: Clock
  readonly #sessions = new Map<string, Session>()

  constructor(store: ServerStore, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /** A new bearer for a page; the oldest gives way when there are too many. */
  open(name: string): string {
    const bearer = randomBytes(32).toString('base64url')
    const now = this.#clock.monotonic()
    const password = findAccount(this.#store, name)?.password ?? ''
    this.#sessions.set(sha256(bearer), { name, password, began: now, asked: now })
    const [oldest] = this.#sessions.keys()
    if (this.#sessions.size > most && oldest !== undefined) this.#sessions.delete(oldest)
    return bearer
  }

  /**
   * Whose session it is, as the account is now.
   * @param isAct whether a person asks: what a page asks by itself keeps no session open
   * @throws NOT_SIGNED_IN
   */
  require(authorization: string | undefined, isAct: boolean): Account {
    const account = this.find(authorization)
    const session = this.#sessions.get(keyOf(authorization))
    if (!session || !account) throw new WaybillError('NOT_SIGNED_IN', 'this page is not signed in, or not any more')
    if (isAct) session.asked = this.#clock.monotonic()
    return account
  }

  /** Whose session it is; undefined where it is over, which it then stays. */
  find(authorization: string | undefined): Account | undefined {
    const key = keyOf(authorization)
    const session = this.#sessions.get(key)
    const account = session && this.#accountOf(session)
    if (!account) this.#sessions.delete(key)
    return account
  }

  /** The person signs out. */
  close(authorization: string | undefined): void {
    this.#sessions.delete(keyOf(authorization))
  }

  /** The account's password is another one now: this session goes on, all others of it are over. */
  renew(authorization: string | undefined): void {
    const session = this.#sessions.get(keyOf(authorization))
    if (session) session.password = findAccount(this.#store, session.name)?.password ?? ''
  }

  #accountOf({ name, password: begunWith, began, asked }: Session): Account | undefined {
    const now = this.#clock.monotonic()
    if (now - began >= longestMs || now - asked >= idleMs) return undefined
    const account = findAccount(this.#store, name)
    if (!account || account.disabledAt !== null || account.password !== begunWith) return undefined
    const { password: _hash, ...rest } = account
    return rest
  }
}

function keyOf(authorization: string | undefined): string {
  return sha256(/^Bearer ([A-Za-z0-9_-]{43})$/.exec(authorization ?? '')?.[1] ?? '')
}
