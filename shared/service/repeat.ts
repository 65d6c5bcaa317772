import type { Logger } from './logger.ts'

/** Work that goes on until it is stopped. */
export interface Repeated {
  /** Does it now, or right after what runs. */
  soon(): void
  stop(): Promise<void>
}

/**
 * Does the work again and again, `everyMs` after it last ended, never twice at once. What it throws is logged as the operator's
 * and does not end it.
 */
export function repeat(everyMs: number, logger: Logger, work: () => Promise<unknown> | unknown): Repeated {
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined
  let again = false
  let stopped = false
  const schedule = (delay: number) => {
    clearTimeout(timer)
    if (!stopped) timer = setTimeout(run, delay).unref()
  }
  const run = () => {
    running ??= Promise.resolve()
      .then(work)
      .catch((error) => logger.error({ err: error }, 'repeated work failed'))
      .then(() => {
        running = undefined
        schedule(again ? 0 : everyMs)
        again = false
      })
  }
  schedule(0)
  return {
    soon: () => {
      if (running) again = true
      else schedule(0)
    },
    stop: async () => {
      stopped = true
      clearTimeout(timer)
      await running
    },
  }
}
