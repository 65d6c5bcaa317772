// @ts-check
/** The tubes that wait here for a driver, with their age. */

import { ask } from '/ask.js'
import { redraw } from '/frame.js'
import { tubeRows } from '/handover-parts.js'
import { section, sentence } from '/parts.js'
import { say } from '/words.js'

/** Their minutes run out, so they are asked for again although nothing changed. */
const refreshMs = 30_000
/** Nobody has said anything of these tubes in any handover. */
const untold = {
  state: 'waiting',
  counted: null,
  isShort: false,
  reason: null,
  text: null,
  laptop: null,
  alsoWith: null,
}
let found = null
let seen = { key: '', at: 0 }

/** Asks for the tubes when something has changed, and shows them. */
export function tubesPart(status, now) {
  if (!status.handover) return status.openLines > 0 ? [sentence(say('field.lines', { count: status.openLines }))] : []
  const key = `${status.openLines} ${status.handover.change}`
  if (key !== seen.key || performance.now() - seen.at > refreshMs) {
    seen = { key, at: performance.now() }
    void look()
  }
  if (!found) return []
  return [
    section(
      'tubes-here',
      say('field.tubes'),
      sentence(found.total > 0 ? say('field.lines', { count: found.total }) : say('field.tubes.none')),
      ...tubeRows(
        'here',
        found.tubes.map((tube) => ({ ...tube, ...untold })),
        true,
        now,
      ),
    ),
  ]
}

async function look() {
  found = await ask('GET', '/v1/tubes').catch(() => found)
  redraw()
}
