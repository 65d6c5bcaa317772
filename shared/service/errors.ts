/**
 * Every error a person or a peer can meet: its HTTP status at the edge, and what the operator does about it.
 * docs/ERRORS.md lists the same codes; a test ties the two both ways.
 */
export const errorCodes = {
  ACT_REFUSED: {
    status: 422,
    hint: 'The other laptop tells of an act that cannot be. It is left out; all else of the handover goes on.',
  },
  ADDRESS_IN_USE: {
    status: 500,
    hint: 'Another program holds this port. Stop it, or choose another port (0 takes a free one).',
  },
  APP_DATABASE_AWAY: {
    status: 503,
    hint: "Start the app's database, or correct its address. It is tried again by itself; nothing is lost meanwhile.",
  },
  APP_DATABASE_BUSY: {
    status: 503,
    hint: "Another program holds the app's database. It is tried again by itself; end a transaction that was left open.",
  },
  APP_DATABASE_FAILED: {
    status: 500,
    hint: "Check the name, the password and the rights of the account, and that Waybill's tables are there.",
  },
  ALREADY_DECIDED: {
    status: 409,
    hint: 'Somebody was quicker, or there is nothing to decide any more. Look at it again.',
  },
  BAD_ARGUMENT: { status: 400, hint: 'See the --help of this command.' },
  BAD_CONFIG: { status: 500, hint: 'Correct the named field in the configuration file, the environment or the flag.' },
  BAD_DOCUMENT: {
    status: 400,
    hint: 'The other side sent something that is not a Waybill document. Check that both run the same version.',
  },
  BAD_REQUEST: { status: 400, hint: 'Correct the named field and send it again; nothing of it was taken.' },
  BATCH_CONFLICT: {
    status: 409,
    hint: 'Two different batches claim one number. Both are kept; the data manager decides: waybill batches.',
  },
  CHAIN_BROKEN: {
    status: 409,
    hint: 'The batch does not follow the one before it. It is set aside; the laptop keeps it.',
  },
  CHANGE_INVALID: {
    status: 400,
    hint: 'Correct the named field of this line and send it again; the other lines were taken.',
  },
  CHANGE_UNAPPLICABLE: {
    status: 422,
    hint: 'The change does not fit the study configuration. Correct that and retry the change, or discard it: waybill quarantine.',
  },
  CHANGE_TOO_LARGE: { status: 413, hint: 'One change may hold at most 1 MiB. Send large attachments another way.' },
  CODE_REFUSED: {
    status: 403,
    hint: 'The code is unknown, used, expired or for another role. Ask for a new one: waybill enrol-code.',
  },
  CREDENTIAL_REFUSED: {
    status: 403,
    hint: 'The credential was not issued under this study. Add the laptop again: waybill enrol.',
  },
  CURSOR_FOREIGN: {
    status: 409,
    hint: 'The server was restored since it gave this cursor. Start again where the message says.',
  },
  DATA_MISSING: {
    status: 500,
    hint: 'This data directory holds no device. Run waybill study create or waybill enrol first.',
  },
  DATA_OCCUPIED: { status: 409, hint: 'This data directory already holds a device. Choose another --data.' },
  DECISION_REFUSED: {
    status: 403,
    hint: 'Only a server of the study brings decisions of persons. The change is set aside; discard it: waybill quarantine.',
  },
  DIGEST_MISMATCH: {
    status: 422,
    hint: 'The bytes changed on the way or on disk. They are set aside and fetched again.',
  },
  DISK_FULL: { status: 507, hint: 'Free some space on this disk. Nothing was lost; work goes on when there is room.' },
  FOREIGN_ORIGIN: { status: 403, hint: "Open this server's own page; another site's page may not ask in your name." },
  HANDOVER_CLOSED: {
    status: 409,
    hint: 'The handover is closed. Begin another one; what was left open is expected in it.',
  },
  HANDOVER_FULL: {
    status: 409,
    hint: 'Sign this handover as it is, and begin another one for the tubes that are left.',
  },
  LOCKED: { status: 409, hint: 'Another program of the same kind runs on this data directory. Stop it first.' },
  MODEL_UNREGISTERED: {
    status: 422,
    hint: 'Publish a study configuration that has this model for offline use; the changes are then applied by themselves.',
  },
  NOT_ALLOWED: { status: 403, hint: 'Ask the data manager, or sign in with an account that may do this.' },
  NOT_FOUND: { status: 404, hint: 'It is not held here.' },
  NOT_LOCAL: { status: 403, hint: 'Open the page with waybill page; it answers only on this laptop.' },
  NOT_SIGNED_IN: { status: 401, hint: 'Open the page again with waybill page, or sign in again.' },
  NOT_RUNNING: {
    status: 500,
    hint: 'Start the program on this data directory first: waybill daemon, relay or server.',
  },
  PASSWORD_REFUSED: {
    status: 400,
    hint: 'Choose 15 characters or more, several words for instance, without the name of the account.',
  },
  PAYLOAD_REFUSED: {
    status: 422,
    hint: 'The batch cannot be opened. It is set aside with its receipts; the laptop keeps its copy.',
  },
  PEER_UNREACHABLE: {
    status: 502,
    hint: 'Check that both laptops are on the same network; it is tried again by itself.',
  },
  PIN_MISMATCH: {
    status: 403,
    hint: 'The server is not of the study that the code names. Nothing secret was sent. Ask for a new code.',
  },
  PIN_REFUSED: {
    status: 403,
    hint: 'Type the PIN again, wait a minute after five wrong ones, or sign without it and confirm it later.',
  },
  PROVENANCE_BROKEN: {
    status: 422,
    hint: 'The chain of signatures has a break at the named place. Keep the data and call the data manager.',
  },
  QUOTA_EXCEEDED: {
    status: 507,
    hint: 'This laptop has sent more than its share or too far ahead of a gap. Bring the missing batches first.',
  },
  REVOKED: { status: 403, hint: 'This device was revoked. Its data stays on it; the data manager decides.' },
  ROLE_REFUSED: { status: 403, hint: 'This device may not do that in its role.' },
  SIGN_IN_REFUSED: {
    status: 401,
    hint: 'Type both again. Whoever has forgotten the password asks for a new one: waybill account password.',
  },
  SIGNATURE_INVALID: {
    status: 422,
    hint: 'The signature does not verify. The document is set aside and not believed.',
  },
  STORAGE_FAILED: {
    status: 500,
    hint: 'The disk refused to write or read. Check the disk; nothing unconfirmed was signed for.',
  },
  STUDY_CONFLICT: {
    status: 409,
    hint: 'Two study configurations claim one version. Neither replaces the other; call the data manager.',
  },
  STUDY_DOCUMENT_INVALID: {
    status: 400,
    hint: 'Correct the named field of the study configuration and publish again.',
  },
  STUDY_MISMATCH: { status: 403, hint: 'The other laptop belongs to another study. Nothing was exchanged.' },
  TOKEN_REFUSED: {
    status: 401,
    hint: 'The token is missing, unknown or revoked. Make one at the server: waybill token create.',
  },
  TOO_LARGE: { status: 413, hint: 'The other side sent more than is allowed. Nothing of it was taken.' },
  TRY_LATER: {
    status: 429,
    hint: 'Wait as long as it says, then try again. Until then the right password is not taken either.',
  },
  UNEXPECTED: {
    status: 500,
    hint: 'A fault of the program. Nothing unconfirmed was signed for. Keep the log and report it.',
  },
  WAITING_FOR_PARENT: {
    status: 422,
    hint: 'It is applied by itself when the record that it names arrives. Bring the batches that are missing.',
  },
} as const satisfies Record<string, { status: number; hint: string }>

/** A documented error code. */
export type ErrorCode = keyof typeof errorCodes

/** Whether what another side named is a documented code. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorCodes, code)
}

/** The one error class: a documented code, a message that names what was wrong, the operator's hint, and the cause. */
export class WaybillError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'WaybillError'
    this.code = code
  }

  /** The HTTP status with which the edge answers. */
  get status(): number {
    return errorCodes[this.code].status
  }

  /** What the operator can do. */
  get hint(): string {
    return errorCodes[this.code].hint
  }
}

const systemCodes = new Map<string, ErrorCode>([
  ['EADDRINUSE', 'ADDRESS_IN_USE'],
  ['ENOSPC', 'DISK_FULL'],
  ['EDQUOT', 'DISK_FULL'],
  ['SQLITE_FULL', 'DISK_FULL'],
  ['EIO', 'STORAGE_FAILED'],
  ['EROFS', 'STORAGE_FAILED'],
  ['EACCES', 'STORAGE_FAILED'],
  ['SQLITE_IOERR', 'STORAGE_FAILED'],
  ['SQLITE_CORRUPT', 'STORAGE_FAILED'],
  ['SQLITE_NOTADB', 'STORAGE_FAILED'],
  ['SQLITE_READONLY', 'STORAGE_FAILED'],
  ['SQLITE_CANTOPEN', 'STORAGE_FAILED'],
])

/** Gives any thrown value a documented code: what is no WaybillError yet keeps its message and becomes the cause. */
export function asWaybillError(thrown: unknown): WaybillError {
  if (thrown instanceof WaybillError) return thrown
  // SQLite says more of some: SQLITE_IOERR_FSYNC is an SQLITE_IOERR.
  const told =
    thrown instanceof Error && 'code' in thrown ? String(thrown.code).replace(/^(SQLITE_[A-Z]+)_.*/, '$1') : ''
  const system = systemCodes.get(told)
  return new WaybillError(system ?? 'UNEXPECTED', thrown instanceof Error ? thrown.message : String(thrown), {
    cause: thrown,
  })
}

/** Does it; what it throws keeps its code and says of what it speaks. */
export async function naming<T>(what: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (cause) {
    const { code, message } = asWaybillError(cause)
    throw new WaybillError(code, `${what}: ${message}`, { cause })
  }
}
