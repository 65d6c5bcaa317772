import type { HandoverLine } from '../protocol/handover.ts'
import type { Reason } from '../protocol/study-document.ts'

/** Whether a signature under this line closes the requisition: its tubes went along, or will not come any more. */
export function closesLine({ state, counted, reason }: HandoverLine, reasons: Reason[]): boolean {
  if (state === 'missing') return reasons.some(({ code, closes }) => closes && code === reason)
  if (state === 'changed' || state === 'notDrawn') return (counted ?? 0) > 0
  return state === 'present'
}
