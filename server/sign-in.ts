import type { Clock } from '../shared/service/clock.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { type Account, findAccount } from './accounts.ts'
import { appendAct } from './acts.ts'
import type { ServerStore } from './open-store.ts'
import { hashPassword, isPassword } from './password.ts'
import { Tries } from './tries.ts'

const minuteMs = 60_000
const ofAccount = { most: 5, withinMs: minuteMs }
const ofAddress = { most: 20, withinMs: 10 * minuteMs }
const mostWaiting = 16

/** Lets people in: one try at a time, since each takes 46 MiB, and only so many. */
export class SignIn {
  readonly #store: ServerStore
  readonly #clock: Clock
  readonly #byAccount: Tries
  readonly #byAddress: Tries
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0
  /** What is compared for a name that has no account, so that it takes as long. */
  #nobody: Promise<string> | undefined

  constructor(store: ServerStore, clock: Clock) {
    this.#store = store
    this.#clock = clock
    this.#byAccount = new Tries(clock, ofAccount)
    this.#byAddress = new Tries(clock, ofAddress)
  }

  /**
   * The account, where name and password are right. Neither words, time nor limits tell whether there is one.
   * @throws SIGN_IN_REFUSED, TRY_LATER
   */
  async check(name: string, password: string, address: string): Promise<Account> {
    if (this.#waiting >= mostWaiting) throw new WaybillError('TRY_LATER', 'too many sign in at once: wait a moment')
    this.#waiting += 1
    const turn = this.#last.then(() => this.#check(name, password, address))
    this.#last = turn.catch(() => undefined)
    return turn.finally(() => {
      this.#waiting -= 1
    })
  }

  async #check(name: string, password: string, address: string): Promise<Account> {
    const takeBack = this.#byAddress.begin(address)
    this.#byAccount.begin(name)
    this.#nobody ??= hashPassword('nobody has this password')
    const account = findAccount(this.#store, name)
    const isRight = await isPassword(password, account?.password ?? (await this.#nobody))
    if (!account || !isRight || account.disabledAt !== null) {
      // A name that is no account is not kept: people type their password there.
      this.#note(account ?? { name: '', role: '' }, 'signInRefused', address)
      throw new WaybillError('SIGN_IN_REFUSED', 'the name or the password is wrong')
    }
    this.#note(account, 'signIn', address)
    takeBack()
    this.#byAccount.forget(name)
    const { password: _hash, ...rest } = account
    return rest
  }

  #note({ name, role }: { name: string; role: string }, act: 'signIn' | 'signInRefused', address: string): void {
    appendAct(this.#store, { who: name, role }, { act, about: `address ${address}` }, this.#clock.now())
  }
}
