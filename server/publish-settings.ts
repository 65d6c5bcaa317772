import type { StudyDocument } from '../shared/protocol/study-document.ts'
import { issuerOf } from '../study/found.ts'
import { publishNext } from '../study/publish.ts'
import { checkSettings } from '../study/settings.ts'
import type { AddContext } from './add-device.ts'

/**
 * Publishes what a person wrote as the next study document.
 * @throws STUDY_DOCUMENT_INVALID naming every wrong field, ROLE_REFUSED where this server signs no study document
 */
export async function publishSettings(
  { data, identity, shelf, clock }: Pick<AddContext, 'data' | 'identity' | 'shelf' | 'clock'>,
  given: unknown,
): Promise<StudyDocument> {
  const settings = checkSettings(given)
  await publishNext(data, shelf, issuerOf(identity), clock.now(), () => settings)
  return shelf.document
}
