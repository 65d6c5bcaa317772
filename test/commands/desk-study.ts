import type { Test } from 'tap'
import { until } from '../fixtures/until.ts'
import { Desk, type Started } from './desk.ts'
import type { ForeignChange } from './foreign-changes.ts'

/** An element of `waybill changes`. */
export interface Entry {
  change: { id: string; model: string; action: string; pk: string; fields: unknown; recordedAt: string }
  producer: string
  batch: string
  cursor: string
}

/** An element of `waybill receipts --json`. */
export interface Batch {
  seq: number
  changes: number
  state: 'sealed' | 'custody' | 'delivered' | 'safe'
  holders: Array<{ name: string; role: string; since: string }>
}

interface Count {
  changes: number
  batches: number
}

/** What these tests read of `waybill status --json`; each role tells some of it. */
export interface Status {
  counts: Record<string, Count>
  chains: Array<{ name: string; missing: unknown[] }>
  devices: Array<{ name: string; revoked: boolean }>
  batches: Record<string, Count>
  near: Record<string, number>
  peers: Array<{ name: string; state: string; code: string | null }>
}

const deadlineMs = 120_000
const devices = [
  ['lap-01', 'field'],
  ['lap-02', 'field'],
  ['driver', 'relay'],
] as const

/** A study with a running server, two laptops and a driver, each added by its code: as the command line tells of it. */
export class DeskStudy {
  readonly desk: Desk
  readonly #started: Started[] = []
  readonly #recorded = new Map<string, number>()

  private constructor(t: Test) {
    this.desk = new Desk(t)
  }

  static async begin(t: Test): Promise<DeskStudy> {
    const study = new DeskStudy(t)
    const server = study.home('server')
    await study.desk.do(['study', 'create', 'Motse cohort', '--data', server])
    await study.start('server', 'server')
    for (const [name, role] of devices) {
      const code = await study.desk.do(['enrol-code', '--data', server, '--role', role, '--name', name])
      await study.desk.do(['enrol', '--data', study.home(name)], { input: [code] })
    }
    return study
  }

  home(name: string): string {
    return this.desk.path(name)
  }

  async start(program: 'daemon' | 'relay' | 'server', name: string, flags: string[] = []): Promise<void> {
    this.#started.push(await this.desk.start(program, this.home(name), flags))
  }

  /** Ends every program. @returns their exit codes */
  async stop(): Promise<Array<number | null>> {
    return Promise.all(this.#started.map((program) => program.stop()))
  }

  status(name: string): Promise<Status> {
    return this.desk.json(['status', '--data', this.home(name)])
  }

  receipts(name: string): Promise<Batch[]> {
    return this.desk.json(['receipts', '--data', this.home(name)])
  }

  async changes(after: string[] = []): Promise<Entry[]> {
    const out = await this.desk.do(['changes', '--data', this.home('server'), ...after])
    return out
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  }

  /** The app on a laptop hands these over. @returns what the command told */
  async record(name: string, given: ForeignChange[]): Promise<unknown> {
    this.#recorded.set(name, (this.#recorded.get(name) ?? 0) + given.length)
    return this.desk.json(['record', '--data', this.home(name)], { input: given.map(({ line }) => `${line}\n`) })
  }

  /** Waits until each laptop's receipts say this of all that it recorded. */
  async untilAll(state: 'delivered' | 'safe'): Promise<void> {
    const tell = () => this.#started.map((program) => program.log()).join('\n')
    for (const [name, recorded] of this.#recorded) {
      const reached = async () => (await this.#changesIn(name, state)) === recorded
      await until(`all of ${name} ${state}`, reached, { deadlineMs, everyMs: 1_000, tell })
    }
  }

  /** How many changes of a laptop no driver carried. */
  async onlyDirect(name: string): Promise<number> {
    const direct = (await this.receipts(name)).filter(({ holders }) => !holders.some(({ role }) => role === 'relay'))
    return direct.reduce((sum, { changes }) => sum + changes, 0)
  }

  async #changesIn(name: string, least: 'delivered' | 'safe'): Promise<number> {
    const reached = (await this.receipts(name)).filter(({ state }) => state === least || state === 'safe')
    return reached.reduce((sum, { changes }) => sum + changes, 0)
  }
}
