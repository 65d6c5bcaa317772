import { type Logger, pino } from 'pino'

export type { Logger }

/**
 * The program's log, as JSON lines on standard error, never silent. A level says who must act: `error` the operator now,
 * `warn` the operator today, `info` nobody. Secrets and payloads are never logged; children carry `batch` and `peer`.
 */
export function createLogger(program: string, level: string): Logger {
  return pino({ name: program, level }, pino.destination({ dest: 2, sync: true }))
}
