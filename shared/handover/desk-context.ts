import type { Database } from 'better-sqlite3'
import type { Signer } from '../crypto/sign-document.ts'
import type { Trust } from '../crypto/trust.ts'
import type { Handover } from '../protocol/handover.ts'
import type { OpenLine } from '../protocol/requisition-line.ts'
import type { Clock } from '../service/clock.ts'
import type { WaybillError } from '../service/errors.ts'
import type { StudyShelf } from '../storage/study-shelf.ts'

/** What a program gives its desk: the lines are the program's, the acts and signatures are the desk's. */
export interface DeskContext {
  side: 'giver' | 'taker'
  device: string
  client: Database
  trust: Trust
  signer: Signer
  shelf: StudyShelf
  clock: Clock
  /** Another text whenever the database, the study document or a line may have changed. */
  state(): string
  /** Another text whenever one of the lines, or what the study lets be seen of them, may have changed. */
  linesState(): string
  /** The laptops that a handover may be begun with. */
  partners(): string[]
  /**
   * What this laptop serves, as far as is known here; for a handover also the lines that its own signatures closed, as they were
   * before. Always name the handover where there is one: without it the tubes would vanish from the view once it is signed.
   */
  linesOf(giver: string, handover?: string): OpenLine[]
  /**
   * A line of another laptop of today that a label may belong to.
   * @param requisition its letters and digits, in upper case (`labelOf`)
   */
  findElsewhere(requisition: string, giver: string): { device: string; line: OpenLine } | undefined
  /** What is to be added to this laptop's clock to have the giver's, in milliseconds. */
  clockOffset(giver: string): number
  /** Called inside the transaction that stores the first signature of a revision. */
  onSigned(handover: Handover): void
  /** Something that the other laptop gave in a question was not taken; nothing else of it was stopped (invariant 8). */
  refused(error: WaybillError): void
  /** What a page shows has changed. */
  tell(): void
}
