import { setTimeout as pause } from 'node:timers/promises'
import type { PageOverview } from '../shared/web/handover-view.ts'
import { PageSession } from '../test/fixtures/page-session.ts'
import { Program } from './program.ts'

const lookEveryMs = 3
const deadlineMs = 120_000

/** The driver's real program, and a person at its page. */
export class Driver extends Program {
  readonly #data: string
  #page: PageSession | undefined

  constructor(data: string) {
    super('relay', data, ['--browse-on', '127.0.0.1'])
    this.#data = data
  }

  get page(): PageSession {
    if (!this.#page) throw new Error('the page is not open')
    return this.#page
  }

  async openPage(): Promise<void> {
    await this.ready
    this.#page = await PageSession.open(this.#data, this.portOf('pagePort'))
  }

  /** Resolves when the page tells of so many tubes of this laptop. @returns the wall clock, in milliseconds */
  async expects(device: string, tubes: number): Promise<number> {
    for (const end = performance.now() + deadlineMs; performance.now() < end; await pause(lookEveryMs)) {
      const { partners } = await this.page.get<PageOverview>('/v1/handovers')
      if ((partners.find((partner) => partner.device === device)?.expected ?? 0) >= tubes) return Date.now()
    }
    throw new Error(`the page never told of ${tubes} tubes`)
  }
}
