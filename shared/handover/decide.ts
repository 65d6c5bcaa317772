import type { Act, Deed, LineKey } from '../protocol/handover.ts'
import type { Reason } from '../protocol/study-document.ts'
import { WaybillError } from '../service/errors.ts'
import { standingActs } from '../specimens/order-acts.ts'
import { readScan, type Scan } from '../specimens/read-scan.ts'
import type { Reconciled } from '../specimens/reconcile.ts'
import type { Tube } from '../specimens/tube.ts'
import { canBeSigned } from './check-act.ts'
import type { Answer, Asked } from './desk.ts'

/** What is known when a person acts. */
export interface Situation {
  device: string
  now: Reconciled
  acts: readonly Act[]
  reasons: Reason[]
  /** The line whose reason is asked for. */
  asking: LineKey | null
}

/** What an act of a person comes to. */
export interface Decision {
  told: Answer['told']
  /** What is to be appended, if anything. */
  deed: Deed | null
  /** The line whose reason is asked for from now on. */
  asking: LineKey | null
  /** The tube that it is about, once the deed is done. */
  find(now: Reconciled): Tube | undefined
}

type Give<K extends Asked['kind']> = Extract<Asked, { kind: K }>

const mostCounted = 999
const longest = 200

/** Decides what a person's act means in this situation; changes nothing. @throws BAD_REQUEST */
export function decide(situation: Situation, asked: Asked): Decision {
  if (asked.kind === 'scan') return scanned(situation, readScan(asked.read), asked.typed)
  if (asked.kind === 'undo') return undone(situation)
  if (asked.kind === 'count') return counted(situation, asked.line, asked.tubes)
  if (asked.kind === 'missing') return missing(situation, asked)
  if (asked.kind === 'remark') return remarked(situation, asked)
  return measured(situation, asked.celsius)
}

function scanned(situation: Situation, scan: Scan, typed: boolean): Decision {
  const { now, asking } = situation
  if (scan.kind === 'undo') return undone(situation)
  if (scan.kind === 'sign') return { told: 'askSign', deed: null, asking, find: nowhere }
  if (scan.kind === 'missing') return askReason(situation)
  if (scan.kind === 'digit') return answered(situation, scan.digit)
  const told = now.wouldAnswer(scan)
  if (scan.kind !== 'label' || told === undefined) return notUnderstood(situation)
  const deed: Deed = { kind: 'scan', text: scan.text, typed, told }
  return { told, deed, asking: null, find: (after) => after.tubeAt(scan) }
}

/** The first line that nobody has said anything of. */
function askReason(situation: Situation): Decision {
  const tube = situation.now.tubes.find(({ state }) => state === 'notYetScanned')
  if (!tube?.line) return notUnderstood(situation)
  const { model, pk } = tube.line
  return { told: 'askReason', deed: null, asking: { model, pk }, find: () => tube }
}

/** A digit answers the question that waits, or tells how many labels there are of what was scanned last. */
function answered(situation: Situation, digit: number): Decision {
  const { now, asking, reasons, device } = situation
  const asked = asking && now.tubeOf(asking)
  if (asked?.state === 'notYetScanned' && asked.line) {
    const reason = reasons[digit === 0 ? 9 : digit - 1]
    return reason ? missing(situation, { line: asked.line, reason: reason.code, text: null }) : notUnderstood(situation)
  }
  const line = now.lastScan(device)?.tube.line
  return line && digit > 0 ? counted(situation, line, digit) : notUnderstood(situation)
}

function undone(situation: Situation): Decision {
  const { acts, device, asking, now } = situation
  const asked = asking && now.tubeOf(asking)
  if (asked?.state === 'notYetScanned') return { told: 'undone', deed: null, asking: null, find: () => asked }
  const own = standingActs(acts).filter((act) => act.device === device)
  const last = own.toSorted((a, b) => b.number - a.number)[0]
  if (!last) return { told: 'nothingToUndo', deed: null, asking: null, find: nowhere }
  const deed: Deed = { kind: 'undo', device, number: last.number }
  return { told: 'undone', deed, asking: null, find: (after) => tubeIn(last.deed, after) }
}

function counted({ now }: Situation, line: LineKey, tubes: number): Decision {
  const tube = tubeToJudge(now, line)
  if (!Number.isInteger(tubes) || tubes < 1 || tubes > mostCounted)
    throw new WaybillError('BAD_REQUEST', `tubes: from 1 to ${mostCounted}`)
  const deed: Deed = { kind: 'count', line: keyOf(line), old: tube.counted, new: tubes }
  return { told: 'counted', deed, asking: null, find: (after) => after.tubeOf(line) }
}

function missing({ now, reasons }: Situation, { line, reason, text }: Omit<Give<'missing'>, 'kind'>): Decision {
  const { state } = tubeToJudge(now, line)
  if (state !== 'notYetScanned' && state !== 'present' && state !== 'missing')
    throw new WaybillError('BAD_REQUEST', 'line: only what is expected can be missing')
  checkReason(reasons, reason, text)
  const deed: Deed = { kind: 'missing', line: keyOf(line), old: state, reason, text }
  return { told: 'missing', deed, asking: null, find: (after) => after.tubeOf(line) }
}

function remarked({ now, reasons }: Situation, { line, label, reason, text }: Give<'remark'>): Decision {
  checkReason(reasons, reason, text)
  const find = (after: Reconciled) =>
    line ? after.tubeOf(line) : label === null ? undefined : after.tubeAt(readScan(label))
  if ((line === null) === (label === null) || !find(now))
    throw new WaybillError('BAD_REQUEST', 'line, label: one of them, of a tube that is shown')
  const deed: Deed = { kind: 'remark', line: line && keyOf(line), label, reason, text }
  return { told: 'remarked', deed, asking: null, find }
}

function measured({ now }: Situation, celsius: number): Decision {
  if (!(celsius >= -200 && celsius <= 200)) throw new WaybillError('BAD_REQUEST', 'celsius: from -200 to 200')
  const deed: Deed = { kind: 'temperature', old: now.temperature, new: celsius }
  return { told: 'temperature', deed, asking: null, find: nowhere }
}

function notUnderstood({ asking }: Situation): Decision {
  return { told: 'notUnderstood', deed: null, asking, find: nowhere }
}

function tubeToJudge(now: Reconciled, line: LineKey): Tube {
  const tube = now.tubeOf(line)
  if (!tube) throw new WaybillError('BAD_REQUEST', 'line: not one that is shown')
  return tube
}

function checkReason(reasons: Reason[], reason: string, text: string | null): void {
  if (!reasons.some(({ code }) => code === reason))
    throw new WaybillError('BAD_REQUEST', 'reason: not one of the study')
  if (text !== null && (text.length < 1 || text.length > longest || !canBeSigned(text, 0)))
    throw new WaybillError('BAD_REQUEST', `text: from 1 to ${longest} characters`)
}

function tubeIn(deed: Deed, now: Reconciled): Tube | undefined {
  if (deed.kind === 'scan') return now.tubeAt(readScan(deed.text))
  return 'line' in deed && deed.line ? now.tubeOf(deed.line) : undefined
}

function keyOf({ model, pk }: LineKey): LineKey {
  return { model, pk }
}

function nowhere(): undefined {
  return undefined
}
