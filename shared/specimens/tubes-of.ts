import type { OpenLine } from '../protocol/requisition-line.ts'

const mostTubes = 9999

/** How many tubes there are according to the data; null where it does not say so in a number. */
export function tubesOf({ fields: { tubes } }: Pick<OpenLine, 'fields'>): number | null {
  const told = typeof tubes === 'string' && /^\s*\d{1,4}\s*$/.test(tubes) ? Number(tubes) : tubes
  return typeof told === 'number' && Number.isInteger(told) && told >= 0 && told <= mostTubes ? told : null
}
