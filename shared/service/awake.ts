import { type ChildProcess, spawn } from 'node:child_process'

/** Work that pauses for a moment holds the machine awake all the same. */
const lingerMs = 10_000
/** To try costs milliseconds each time: where it failed, it is not tried again so soon. */
const retryMs = 10 * 60_000
const what = ['--what=sleep:handle-lid-switch', '--mode=block', '--who=Waybill', '--why=data is moving']

/**
 * Keeps the machine from going to sleep while data moves, where systemd allows it; where it does not, all goes on without. What
 * holds it ends with this process, however that ends.
 */
export class Awake {
  readonly #command: string
  #isThere = true
  #busy = 0
  #holder: ChildProcess | undefined
  #timer: NodeJS.Timeout | undefined

  /** @param command systemd's `systemd-inhibit`, or what stands in for it */
  constructor(command = 'systemd-inhibit') {
    this.#command = command
  }

  /** Does it, and does not sleep meanwhile. */
  async during<T>(act: () => Promise<T>): Promise<T> {
    this.#busy += 1
    this.#hold()
    try {
      return await act()
    } finally {
      this.#busy -= 1
      this.#restSoon()
    }
  }

  /** Data moves just now. */
  touch(): void {
    this.#hold()
    this.#restSoon()
  }

  /** Sleep is allowed again. */
  end(): void {
    clearTimeout(this.#timer)
    this.#holder?.stdin?.end()
    this.#holder = undefined
  }

  #hold(): void {
    clearTimeout(this.#timer)
    if (this.#holder || !this.#isThere) return
    // It reads from a pipe that nobody writes to, and ends when the pipe does.
    const holder = spawn(this.#command, [...what, 'cat'], { stdio: ['pipe', 'ignore', 'ignore'] })
    holder.on('error', () => this.#failed())
    holder.on('exit', (code) => code !== 0 && this.#failed())
    holder.stdin.on('error', () => undefined)
    holder.unref()
    this.#holder = holder
  }

  #failed(): void {
    if (!this.#isThere) return
    this.#isThere = false
    setTimeout(() => {
      this.#isThere = true
    }, retryMs).unref()
  }

  #restSoon(): void {
    clearTimeout(this.#timer)
    if (this.#busy === 0) this.#timer = setTimeout(() => this.end(), lingerMs).unref()
  }
}
