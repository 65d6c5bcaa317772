import { WaybillError } from '../shared/service/errors.ts'
import { issuerOf } from '../study/found.ts'
import { publishNext } from '../study/publish.ts'
import { checkSettings, settingsOf } from '../study/settings.ts'
import type { Actor } from './actor.ts'
import { appendAct } from './acts.ts'
import type { AddContext } from './add-device.ts'

/** The study's people, as the version of the study configuration that is in force names them. */
export interface StudyPeople {
  version: number
  people: Array<{ id: string; name: string; role: string }>
}

export function studyPeople({ shelf }: Pick<AddContext, 'shelf'>): StudyPeople {
  const { version, people } = shelf.document
  return { version, people }
}

/**
 * Publishes the next study configuration, with these people and all else as it is.
 * @throws ALREADY_DECIDED where another version came since the list was read, STUDY_DOCUMENT_INVALID, ROLE_REFUSED
 */
export async function publishPeople(
  context: Pick<AddContext, 'data' | 'identity' | 'store' | 'shelf' | 'clock'>,
  by: Actor,
  { version, people }: StudyPeople,
): Promise<StudyPeople> {
  const { data, identity, store, shelf, clock } = context
  await shelf.refresh()
  checkSettings({ ...settingsOf(shelf.document), people })
  await publishNext(data, shelf, issuerOf(identity), clock.now(), (document) => {
    if (document.version !== version)
      throw new WaybillError('ALREADY_DECIDED', `study configuration ${document.version} was published meanwhile`)
    // Before it is published: nobody could tell afterwards who did it.
    const about = `study configuration ${version + 1}`
    const change = { old: without(document.people, people), new: without(people, document.people) }
    appendAct(store, by, { act: 'people', about, ...change }, clock.now())
    return { people }
  })
  return studyPeople(context)
}

function without(some: StudyPeople['people'], others: StudyPeople['people']): StudyPeople['people'] {
  const known = new Set(others.map(({ id, name, role }) => JSON.stringify([id, name, role])))
  return some.filter(({ id, name, role }) => !known.has(JSON.stringify([id, name, role])))
}
