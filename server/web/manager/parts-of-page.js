// @ts-check
/** The parts of the page, in the order in which an evening needs them. */

import { accountPart } from './account.js'
import { asidePart } from './aside.js'
import { batchesPart, batchPart } from './batches.js'
import { boardPart } from './board.js'
import { conflictPart, conflictsPart } from './conflicts.js'
import { daysPart } from './days.js'
import { devicesPart } from './devices.js'
import { duplicatesPart } from './duplicates.js'
import { logPart } from './log.js'
import { lossPart } from './loss.js'
import { peoplePart } from './people.js'
import { recordPart } from './record.js'
import { recordsPart } from './records.js'

/**
 * A part of the page. `right`: what the account needs. `load` asks for what is shown; `isStill`: not again by itself. `acts`: what
 * buttons and forms do. `leave`: what is forgotten when the reader goes elsewhere. `under`: the part that the navigation shows for it.
 * @typedef {{ name: string, right: string, under?: string, isStill?: boolean, load?: (args: string[]) => Promise<any>,
 *   draw: (page: any) => { headline: any, nodes: Node[] }, leave?: () => void, acts?: Record<string, (page: any) => Promise<any>> }} Part
 */

/** @type {Part[]} */
const parts = [
  ...[
    boardPart,
    lossPart,
    daysPart,
    batchesPart,
    batchPart,
    asidePart,
    conflictsPart,
    conflictPart,
    duplicatesPart,
    recordsPart,
    recordPart,
  ],
  ...[devicesPart, peoplePart, logPart, accountPart],
]

/** Those that the account may open, of the navigation. @param {import('./session.js').Me | undefined} me */
export function partsFor(me) {
  return parts.filter(({ right, under }) => under === undefined && me?.rights.includes(right))
}

/** The part that an address names, and what follows its name there. @param {string} hash */
export function chosen(hash) {
  const [name = '', ...args] = hash.slice(1).split('/').map(decodeURIComponent)
  const part = parts.find((one) => one.name === name) ?? boardPart
  return { part, args, name: part.under ?? part.name }
}
