import type { Desk } from '../shared/handover/open-desk.ts'
import { openDesk } from '../shared/handover/open-desk.ts'
import { deskContext } from './desk-context.ts'
import type { Hold } from './open-store.ts'
import { HandoverTalks } from './talk-handovers.ts'

/** The driver's desk, and its talks with the laptops. */
export interface RelayHandover {
  desk: Desk
  talks: HandoverTalks
}

/** Opens the desk of this relay. What a person does at it is told to the other laptop at once. */
export function openHandover(hold: Hold): RelayHandover {
  const opened = openDesk(deskContext(hold))
  const talks = new HandoverTalks(hold, opened)
  const hurried = <T>(result: T): T => {
    talks.hurry()
    return result
  }
  const desk: Desk = {
    ...opened,
    begin: (device) => hurried(opened.begin(device)),
    act: (id, asked) => hurried(opened.act(id, asked)),
    sign: async (id, asked) => hurried(await opened.sign(id, asked)),
    close: (id) => hurried(opened.close(id)),
  }
  return { desk, talks }
}
