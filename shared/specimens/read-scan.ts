/** No label and no command is longer; a scanner that read several at once is not understood. */
const mostCharacters = 200
const aliquotLength = 18
const aim = /^\][A-Za-z][0-9A-Za-z]/

/** What a scanner, or a person at the keyboard, gave. `keys`: the identifiers that it may be of, the likelier first. */
export type Scan =
  | { kind: 'label'; text: string; label: string; keys: string[] }
  | { kind: 'undo' | 'missing' | 'sign' }
  | { kind: 'digit'; digit: number }
  | { kind: 'nothing' }

const commands: Record<string, Scan> = {
  WAYBILLUNDO: { kind: 'undo' },
  WAYBILLMISSING: { kind: 'missing' },
  WAYBILLSIGN: { kind: 'sign' },
}

/**
 * Reads raw text as a command or a label. Control characters, the scanner's prefix (ISO/IEC 15424), hyphens, blanks and letter case
 * do not matter. Whatever the text, it takes no time worth telling and throws nothing.
 */
export function readScan(raw: string): Scan {
  if (raw.length > mostCharacters * 2) return { kind: 'nothing' }
  const text = raw
    .toWellFormed()
    .replace(/\p{Cc}/gu, '')
    .trim()
  if (text.length > mostCharacters) return { kind: 'nothing' }
  const label = labelOf(text.replace(aim, ''))
  if (label === '') return { kind: 'nothing' }
  const digit = /^(?:WAYBILL)?(\d)$/.exec(label)?.[1]
  if (digit !== undefined) return { kind: 'digit', digit: Number(digit) }
  return (Object.hasOwn(commands, label) && commands[label]) || { kind: 'label', text, label, keys: keysOf(label) }
}

/** A requisition's identifier as a scanner would give it: its letters and digits, in upper case. */
export function labelOf(identifier: string): string {
  return identifier.replace(/[^A-Za-z0-9]/g, '').toUpperCase()
}

/** An aliquot's label is protocol 3, requisition 7, parent 4, type 2, count 2; a requisition may be called just so. */
function keysOf(label: string): string[] {
  return label.length === aliquotLength ? [label, label.slice(3, 10)] : [label]
}
