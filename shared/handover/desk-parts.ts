import type { Person, Seen } from '../protocol/handover.ts'
import { type Remember, remembering } from '../storage/remember.ts'
import { ActBook } from './act-book.ts'
import type { DeskContext } from './desk-context.ts'
import { DocumentBook } from './document-book.ts'
import { HandoverBook } from './handover-book.ts'
import { PersonLog } from './person-log.ts'
import { Pins } from './pins.ts'

const mostRemembered = 16

/** What the other laptop said of itself when it was last heard; gone with the program, for it says so again. */
interface Heard {
  at: string
  /** When the pages were last told of it; monotonic milliseconds. */
  toldAt: number
  person: Person | null
  seen: Seen
  have: Set<string>
}

/** What the verbs of a desk work on. */
export interface DeskParts {
  context: DeskContext
  handovers: HandoverBook
  acts: ActBook
  documents: DocumentBook
  log: PersonLog
  pins: Pins
  remember: Remember
  /** Until a line changes. A laptop may have thousands. */
  rememberLines: Remember
  /** By handover. */
  heard: Map<string, Heard>
  /** Handovers in which the own acts were compared with those that the other laptop has of them, since the program started. */
  compared: Set<string>
}

/** Opens the books of a desk on the program's database. */
export function openParts(context: DeskContext): DeskParts {
  const { client, clock } = context
  return {
    context,
    ...{ handovers: new HandoverBook(client), acts: new ActBook(client), documents: new DocumentBook(client) },
    ...{ log: new PersonLog(client, clock), pins: new Pins(client, clock), heard: new Map(), compared: new Set() },
    remember: remembering(client, context.state, mostRemembered),
    rememberLines: remembering(client, context.linesState, mostRemembered),
  }
}
