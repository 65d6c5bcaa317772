import type {
  Handover,
  HandoverHead,
  HandoverSignature,
  LineKey,
  Person,
  ScanAnswer,
  TubeState,
} from '../protocol/handover.ts'
import type { Reason, StudyDocument } from '../protocol/study-document.ts'

/** A tube as a page shows it. Times are those of the laptop that drew it, brought to this laptop's clock. */
export interface ShownTube {
  /** Null for a label that is on none of the giver's lines. */
  line: LineKey | null
  /** What is printed, or what was read where no line has it. */
  label: string
  subject: string | null
  panel: string | null
  specimenType: string | null
  state: TubeState
  /** According to the data, and in the hand. */
  tubes: number | null
  counted: number | null
  /** Present in another number than the data says. */
  isShort: boolean
  reason: string | null
  text: string | null
  /** For a tube of another laptop: its name. */
  laptop: string | null
  /** On the assistant's laptop: another driver, in whose handover the same tube is in the hand as well. */
  alsoWith: string | null
  drawnAt: string | null
  /** Whole minutes until the tube is too old; below zero where it is; null where the study sets no limit, or the time is doubtful. */
  minutesLeft: number | null
  /** The time that it was drawn is not to be believed: its laptop's clock contradicts it. Ask. */
  doubtful: boolean
}

/** How many tubes there are of each state. */
export type TubeCounts = Record<TubeState, number>

/** A revision that was written down, and who signed it. */
export interface ShownRevision {
  digest: string
  handover: Handover
  signatures: HandoverSignature[]
}

/** Where the signing stands: nobody signed, one laptop did, both did, or both did and what they signed differs. */
export type Signed = 'no' | 'one' | 'both' | 'differently'

/** One handover, as either laptop sees it. */
export interface HandoverView extends HandoverHead {
  giverName: string
  takerName: string
  /** The tubes that are expected here or were in a hand; first what a person must look at. */
  tubes: ShownTube[]
  /** So many more are not yet scanned, and not in `tubes`. */
  unlisted: number
  counts: TubeCounts
  temperature: number | null
  /** A question that waits for an answer: how many labels are in the hand, or why a tube is missing. */
  question: { ask: 'count' | 'reason'; tube: ShownTube } | null
  signed: Signed
  /** Who signed last did not agree with what stands. */
  isDisputed: boolean
  /** The newest revision first; two of one number are both here. */
  revisions: ShownRevision[]
  /** Of revisions that were erased here. */
  bareSignatures: HandoverSignature[]
  /** What is shown differs from what was last signed. */
  isChangedSince: boolean
  isClosed: boolean
  /** When the other laptop was last heard in this handover; null where it was not. */
  heardAt: string | null
  /** Who is on shift over there, as far as was told. */
  otherPerson: Person | null
}

/** What a person does on a page. `scan` also carries the command barcodes; `read` is raw, as the scanner typed it. */
export type Asked =
  | { kind: 'scan'; read: string; typed: boolean }
  | { kind: 'count'; line: LineKey; tubes: number }
  | { kind: 'missing'; line: LineKey; reason: string; text: string | null }
  | { kind: 'remark'; line: LineKey | null; label: string | null; reason: string; text: string | null }
  | { kind: 'temperature'; celsius: number }
  | { kind: 'undo' }

/** What the page answers at once. `askSign`: the command barcode for signing was read. `nothingToUndo`: as it says. */
export interface Answer {
  told:
    | ScanAnswer
    | 'counted'
    | 'missing'
    | 'remarked'
    | 'temperature'
    | 'undone'
    | 'nothingToUndo'
    | 'askReason'
    | 'askSign'
    | 'notUnderstood'
  tube: ShownTube | null
  view: HandoverView
}

/** How someone signs; without a PIN, or with one that this laptop does not know, the signature says that it is unverified. */
export interface AskedSignature {
  pin: string | null
  agrees: boolean
  remark: string | null
}

/** A handover that is closed, as the newest revision says that somebody signed. */
export interface ClosedHandover {
  id: string
  began: string
  signed: Signed
  isDisputed: boolean
  /** Null where the revision was erased here: a server has it. */
  counts: TubeCounts | null
  /** How many were in the hand; null as above. */
  tubes: number | null
  /** Of several of one person that differ only in being verified, the one that is. */
  signatures: HandoverSignature[]
}

/** Another laptop that this one does handovers with, or did. */
export interface Partner {
  device: string
  name: string
  /** On the driver's laptop: a handover with it can be begun. */
  isHere: boolean
  /** Drawn, and in no earlier signed handover. */
  expected: number
  /** The handover that is open with it. */
  open: HandoverHead | null
  counts: TubeCounts | null
  signed: Signed
  /** In the open handover: labels of tubes that nobody has said anything of yet, the first ones. */
  openLabels: string[]
  /** On the driver's laptop: tubes counted in handovers with it, open, or closed and at no server yet. Else 0. */
  aboard: number
  /** The newest handover with it that is closed and that somebody signed. */
  last: ClosedHandover | null
}

/** What the pages ask of the program that they belong to. Each laptop has one; both work on the same acts. */
export interface HandoverDesk {
  side: 'giver' | 'taker'
  study(): StudyDocument
  reasons(): Reason[]
  /** On the driver's laptop, the laptops of today and of handovers before; on the assistant's, whoever began one here. */
  partners(): Partner[]
  /** Begins a handover with this laptop, or gives the one that is open. @throws ROLE_REFUSED on the giver's side; NOT_FOUND */
  begin(device: string): string
  /** @throws NOT_FOUND */
  view(id: string): HandoverView
  /** On disk when it returns. @throws NOT_FOUND, BAD_REQUEST, HANDOVER_CLOSED */
  act(id: string, asked: Asked): Answer
  /**
   * Writes the next revision down if something has changed, and signs it for this side. In a closed handover, whoever signed
   * unverified confirms that very signature. @throws NOT_FOUND, HANDOVER_CLOSED, PIN_REFUSED
   */
  sign(id: string, asked: AskedSignature): Promise<HandoverView>
  /** The driver ends a handover that only one laptop could sign; what is open is expected again. @throws NOT_FOUND, BAD_REQUEST */
  close(id: string): HandoverView
  /** Who is on shift, and whether this laptop knows a PIN of theirs. */
  shift(): { person: Person | null; hasPin: boolean }
  takeShift(person: Person | null): void
  /** Gives the person on shift a PIN on this laptop. @throws PIN_REFUSED where the old one is not right */
  setPin(pin: string, old: string | null): Promise<void>
}
