/** Where the field laptop's program is. */
export interface ClientOptions {
  /** The data directory of `waybill daemon`. */
  data: string
  /** Its unix socket, where the setting `socket` names another than DATA/daemon.sock. */
  socket?: string
  /** How long a program that does not answer is asked again; 30 s unless told. */
  patienceMs?: number
}

/** One insert, update or delete of one record; `fields` is the whole record after it. */
export interface ChangeToRecord {
  /** The app's own, never used twice: a change that is given again is known by it. */
  id: string
  model: string
  action: 'insert' | 'update' | 'delete'
  pk: string | number
  naturalKey?: Array<string | number | boolean | null>
  fields?: Record<string, unknown>
  /** The ids of the changes that it was made upon, where the app knows. */
  base?: string[]
  user?: string
  /** ISO 8601 with an offset; the time of recording unless told. */
  recordedAt?: string
  reason?: string
  site?: string
  appVersion?: string
  /** What only the app can read. */
  opaque?: string
}

/** What became of the changes. What is counted as accepted or known is on the laptop's disk. */
export interface Recorded {
  accepted: number
  known: number
  /** `line` counts the changes from 1. The others were taken. */
  refused: Array<{ line: number; code: string; message: string }>
}

/** A count of changes, and of what they travel in. */
export interface StatusCount {
  changes: number
  batches: number
}

/** How it stands with the laptop; `waybill status --json` tells the same. */
export interface LaptopStatus {
  program: 'daemon'
  running: boolean
  name: string
  device: string
  study: string
  studyName: string
  studyVersion: number
  counts: Record<
    'outbox' | 'sealed' | 'withDriver' | 'atServer' | 'delivered' | 'safe' | 'pruned' | 'missing',
    StatusCount
  >
  openLines: number
  lastError: { code: string; message: string; hint: string; at: string; about: string } | null
  [more: string]: unknown
}

/** A client of the local API. It keeps no connection. */
export interface WaybillClient {
  /**
   * Gives changes, in order, as many as come: memory does not grow with them. Resolves when all that is counted is on disk. A
   * program that is being started anew is waited for; giving the same again does no harm.
   * @throws WaybillClientError with the program's code; NOT_RUNNING when it does not answer in time
   * @throws TypeError for what is no change in JSON: then what came before it may be recorded
   */
  record(
    changes: Iterable<ChangeToRecord> | AsyncIterable<ChangeToRecord>,
    options?: { signal?: AbortSignal },
  ): Promise<Recorded>
  /** @throws WaybillClientError */
  status(options?: { signal?: AbortSignal }): Promise<LaptopStatus>
}

/** What the program refused, or that it does not answer. Codes are those of docs/ERRORS.md. */
export class WaybillClientError extends Error {
  readonly code: string
  readonly hint: string
  constructor(code: string, message: string, more?: { hint?: string; cause?: unknown })
}

/** A client of the program on this data directory. Nothing is asked before the first call. */
export function openClient(options: ClientOptions): WaybillClient
