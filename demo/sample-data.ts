import { createHash } from 'node:crypto'

/** A change as an app would give it. */
export interface SampleChange {
  id: string
  model: string
  action: 'insert' | 'update'
  pk: string
  naturalKey: string[]
  fields: Record<string, unknown>
  base: string[]
  user: string
  recordedAt: string
  site: string
}

const panels = [
  ['viral_load', 'WB', 2],
  ['cd4', 'WB', 1],
  ['fbc', 'WB', 1],
  ['chemistry', 'serum', 1],
] as const
/** Blood was drawn at the first visits of the day, which fit into this morning; at the others it will be drawn at the clinic. */
const drawnVisits = 12
const minutesAVisit = 15
const start = Date.now() - (drawnVisits * minutesAVisit + 30) * 60_000

/** What one laptop's day left behind: visits with vitals, adherence and drawn blood, a few of them corrected. Its ids are always the same. */
export function* sampleChanges(laptop: string, site: string, count: number): Generator<SampleChange> {
  for (let visit = 0, made = 0; ; visit += 1) {
    for (const change of visitChanges(laptop, site, visit)) {
      if (made === count) return
      yield change
      made += 1
    }
  }
}

/** The id of the requisition of a laptop's first visit: its tube is followed in the end. */
export function firstRequisition(laptop: string): string {
  return uuid(`${laptop}/0/requisition-0`)
}

function* visitChanges(laptop: string, site: string, visit: number): Generator<SampleChange> {
  const subject = `066-${site === 'mochudi' ? '14' : '22'}${laptop.slice(-1)}${String(visit + 1).padStart(4, '0')}-${visit % 10}`
  const begun = start + (visit % drawnVisits) * minutesAVisit * 60_000
  const at = (minutes: number) => new Date(begun + minutes * 60_000).toISOString()
  const isDrawn = visit < drawnVisits
  const visitKey = [subject, '1000']
  const make = (what: string, model: string, minutes: number, fields: Record<string, unknown>): SampleChange => ({
    id: uuid(`${laptop}/${visit}/${what}`),
    model,
    action: 'insert',
    pk: uuid(`${laptop}/${visit}/${what}/pk`),
    naturalKey: visitKey,
    fields: { subject_identifier: subject, visit_code: '1000', report_datetime: at(minutes), ...fields },
    base: [],
    user: laptop,
    recordedAt: at(minutes),
    site,
  })
  yield make('visit', 'bhp_subject.subjectvisit', 0, {
    ...{ reason: 'scheduled', info_source: 'participant', household_identifier: `${site}-${visit % 40}` },
    ...{ initials: 'AB', gender: visit % 2 ? 'F' : 'M', dob: `19${60 + (visit % 40)}-03-12` },
  })
  const vitals = make('vitals', 'bhp_subject.vitals', 5, {
    subject_visit: visitKey,
    ...{ systolic: 110 + (visit % 30), diastolic: 70 + (visit % 20), weight: 52.5 + (visit % 35), height: 168 },
    ...{ temperature: 36.6, comment: visit % 9 ? '' : 'Measured twice; the cuff slipped the first time.' },
  })
  yield vitals
  yield make('adherence', 'bhp_subject.adherence', 9, {
    subject_visit: visitKey,
    ...{ missed_pills: visit % 4, last_missed: null, days_on_art: 200 + visit, other_remedies: 'none reported' },
  })
  for (const [index, [panel, type, tubes]] of panels.slice(0, 1 + (visit % 3)).entries())
    yield {
      ...make(`requisition-${index}`, 'bhp_lab.subjectrequisition', 12 + index, {
        ...{ subject_visit: visitKey, requisition_identifier: label(laptop, visit, index), panel_name: panel },
        ...{ specimen_type: type, item_count: tubes, is_drawn: isDrawn ? 'Yes' : 'No' },
        ...{ reason_not_drawn: isDrawn ? null : 'will be drawn at the clinic' },
        ...{ drawn_datetime: isDrawn ? at(12 + index) : null, initials: 'AB', gender: visit % 2 ? 'F' : 'M' },
      }),
      naturalKey: [label(laptop, visit, index)],
    }
  if (visit % 5 === 0)
    yield {
      ...vitals,
      id: uuid(`${laptop}/${visit}/vitals-corrected`),
      action: 'update',
      fields: { ...vitals.fields, systolic: 118 },
      base: [vitals.id],
      recordedAt: at(20),
    }
}

/** Seven characters, as printed on every tube of the requisition. */
function label(laptop: string, visit: number, index: number): string {
  return `W${laptop.slice(-2)}${String(visit).padStart(3, '0')}${index}`
}

/** A name-based UUID (RFC 9562, version 8), so that the same demonstration gives the same ids. */
function uuid(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
