import type { Logger } from './logger.ts'

/**
 * Runs the closers in reverse order on SIGTERM or SIGINT, then exits: 0 when all closed, 1 when one failed.
 * A second signal exits at once; everything promised is on disk already.
 */
export function onShutdown(logger: Logger, closers: Array<() => Promise<void> | void>): void {
  let closing = false
  const close = async (signal: string) => {
    if (closing) process.exit(1)
    closing = true
    logger.info({ signal }, 'closing')
    let failed = false
    for (const closer of closers.toReversed()) {
      try {
        await closer()
      } catch (error) {
        failed = true
        logger.error({ err: error }, 'closing failed')
      }
    }
    process.exit(failed ? 1 : 0)
  }
  process.on('SIGTERM', close)
  process.on('SIGINT', close)
}
