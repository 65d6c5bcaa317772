import type { OpenLine } from '../protocol/requisition-line.ts'

const yes = new Set(['true', 'yes', 'y', '1'])

/** Whether the data says that the tube was drawn; what says nothing of it counts as drawn. A deleted requisition is not. */
export function isDrawn({ action, fields }: Pick<OpenLine, 'action' | 'fields'>): boolean {
  if (action === 'delete') return false
  const { isDrawn: told } = fields
  return told === undefined || told === null || told === '' || yes.has(String(told).trim().toLowerCase())
}

/**
 * Whether its tube is to be in the hand: drawn, and in no earlier signed handover. What this very handover closed and what changed
 * since is expected in it still.
 */
export function isExpected(line: OpenLine, handover?: string): boolean {
  return isDrawn(line) && (line.handedOver === null || line.handedOver.handover === handover)
}
