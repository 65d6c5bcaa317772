import type { Database } from 'better-sqlite3'
import type { HandoverDesk } from '../shared/handover/desk.ts'
import type { OpenLine } from '../shared/protocol/requisition-line.ts'
import type { StudyDocument } from '../shared/protocol/study-document.ts'

/** How many lines a page of the answer has. */
const pageSize = 100

/** What is looked for; an empty text asks for nothing. `date` is a day as the data writes it, `page` counts from 1. */
export interface LineQuery {
  /** In any of the visible fields. */
  text: string
  subject: string
  requisition: string
  specimen: string
  laptop: string
  date: string
  confirmed: '' | 'yes' | 'no'
  page: number
}

/** A line of a laptop, and whether it is confirmed: its tube is in the hand, or a signed handover has settled it. */
export interface FoundLine {
  device: string
  laptop: string
  requisition: string | null
  subject: string | null
  panel: string | null
  specimenType: string | null
  tubes: string | null
  isDrawn: string | null
  drawnAt: string | null
  confirmed: boolean
}

/** One page of what was found, and of how many. */
export interface FoundLines {
  total: number
  page: number
  pages: number
  lines: FoundLine[]
  laptops: Array<{ device: string; name: string }>
}

const visible = ['subject', 'panel', 'specimenType', 'drawnAt'].map((name) => `line ->> '$.fields.${name}'`)
/** Hyphens are printed, and not always stored. */
const requisition = `replace(coalesce(line ->> '$.requisition', ''), '-', '')`
const has = (value: string, name: string) => `instr(lower(${value}), @${name}) > 0`
const anywhere = `replace(${[...visible, "line ->> '$.requisition'"].map((value) => `coalesce(${value}, '')`).join(` || ' ' || `)}, '-', '')`
const specimen = `coalesce(line ->> '$.fields.specimenType', '') || ' ' || coalesce(line ->> '$.fields.panel', '')`
const isConfirmed = `(line ->> '$.handedOver.at' IS NOT NULL OR closedBy IS NOT NULL
  OR json_array(producer, model, pk) IN (SELECT value FROM json_each(@inHand)))`

/**
 * Looks for requisition lines of all laptops that are aboard, a page at a time: the database leaves out what is not asked for.
 * @param inHand the tubes that are in the hand in handovers that are open: [device, model, pk] of each, as JSON
 */
export function findLines(client: Database, study: StudyDocument, inHand: string[], query: LineQuery): FoundLines {
  const wanted = { ...asked(query), inHand: JSON.stringify(inHand) }
  const where = `line ->> '$.action' != 'delete' ${conditions(query)}`
  const counted = client.prepare<[object], { n: number }>(`SELECT count(*) n FROM lines WHERE ${where}`).get(wanted)
  const total = counted?.n ?? 0
  const pages = Math.max(1, Math.ceil(total / pageSize))
  const page = Math.min(query.page, pages)
  const rows = client
    .prepare<[object], { producer: string; line: string; confirmed: number }>(
      `SELECT producer, line, ${isConfirmed} confirmed FROM lines WHERE ${where}
       ORDER BY producer, ${requisition}, model, pk LIMIT ${pageSize} OFFSET ${(page - 1) * pageSize}`,
    )
    .all(wanted)
  const nameOf = (device: string) => study.devices[device]?.name ?? device.slice(0, 8)
  const laptops = client.prepare<[], { device: string }>('SELECT DISTINCT producer device FROM lines').all()
  return {
    ...{ total, page, pages },
    lines: rows.map((row) => found(row, nameOf(row.producer))),
    laptops: laptops.map(({ device }) => ({ device, name: nameOf(device) })),
  }
}

/** The tubes that are in the hand in handovers that are open on this desk: [device, model, pk] of each, as JSON. */
export function tubesInHand(desk: HandoverDesk): string[] {
  return desk.partners().flatMap(({ device, open }) => {
    const tubes = open ? desk.view(open.id).tubes : []
    return tubes.flatMap(({ line, state }) =>
      line && state === 'present' ? [JSON.stringify([device, line.model, line.pk])] : [],
    )
  })
}

function conditions({ text, subject, requisition: label, specimen: tube, laptop, date, confirmed }: LineQuery): string {
  return [
    text && has(anywhere, 'text'),
    subject && has(`coalesce(line ->> '$.fields.subject', '')`, 'subject'),
    label && has(requisition, 'requisition'),
    tube && has(specimen, 'specimen'),
    laptop && 'producer = @laptop',
    date && `substr(line ->> '$.fields.drawnAt', 1, 10) = @date`,
    confirmed && `${confirmed === 'yes' ? '' : 'NOT '}${isConfirmed}`,
  ]
    .filter((condition) => condition !== '')
    .map((condition) => ` AND ${condition}`)
    .join('')
}

function asked({ text, subject, requisition: label, specimen: tube, laptop, date }: LineQuery): Record<string, string> {
  return {
    ...{ text: text.toLowerCase().replaceAll('-', ''), subject: subject.toLowerCase(), laptop, date },
    ...{ requisition: label.toLowerCase().replaceAll('-', ''), specimen: tube.toLowerCase() },
  }
}

function found(row: { producer: string; line: string; confirmed: number }, laptop: string): FoundLine {
  const { requisition: label, fields }: OpenLine = JSON.parse(row.line)
  const text = (value: unknown) => (value === undefined || value === null || value === '' ? null : String(value))
  return {
    ...{ device: row.producer, laptop, requisition: label },
    ...{ subject: text(fields.subject), panel: text(fields.panel), specimenType: text(fields.specimenType) },
    ...{ tubes: text(fields.tubes), isDrawn: text(fields.isDrawn), drawnAt: text(fields.drawnAt) },
    confirmed: row.confirmed === 1,
  }
}
