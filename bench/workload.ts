import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { Change } from '../shared/protocol/change.ts'

/** How much is measured. */
export interface Workload {
  laptops: number
  /** Changes a laptop. */
  changes: number
  /** Changes of the one laptop whose recording and sealing is timed: at most one run of sealing, 64 batches. */
  sealed: number
  rounds: number
  /** Of the handover: the lines at which pages are measured, and how often a laptop joins with so many changes pending. */
  handover: { lines: number[]; pending: number; joins: number }
  /** Changes that one server takes in, opens and applies; and how many applied ones lie behind it when the cost of finding work is looked at. */
  applied: number
  behind: number[]
}

/** What the project promises to be measured by. */
export const fullWorkload: Workload = {
  ...{ laptops: 10, changes: 5_000, sealed: 30_000, rounds: 5 },
  handover: { lines: [10, 400, 10_000], pending: 500, joins: 7 },
  ...{ applied: 50_000, behind: [10_000, 100_000, 1_000_000] },
}
/** Whether it runs at all. */
export const quickWorkload: Workload = {
  ...{ laptops: 2, changes: 1_000, sealed: 1_000, rounds: 1 },
  handover: { lines: [10, 400], pending: 500, joins: 1 },
  ...{ applied: 2_000, behind: [1_000, 10_000] },
}

/** Changes in a batch: the study's usual limit. 500 of these changes stay under its limit in bytes. */
export const batchChanges = 500

/** The model of them all. */
export const visitModel = 'study_subject.visitform'

const answers = ['Yes', 'No', 'Not applicable', 'Declined', 'Unknown', 'Pending']
const words =
  'participant reports mild headache since last visit no fever advised to return weight stable adherence good family informed clinic nurse review follow up'.split(
    ' ',
  )

/** The changes of one laptop, a line of RFC 8785 JSON each, about 1.7 KB; the same ones whenever they are asked for. */
export function* changeLines(laptop: string, count: number): Generator<string> {
  const random = randomOf(laptop)
  for (let number = 0; number < count; number++) yield canonicalize(changeOf(random, number)) ?? ''
}

/** A visit form as a study's app records it: identifiers that no compressor shrinks, answers and numbers that it does. */
function changeOf(random: Random, number: number): Change {
  const fields: Record<string, unknown> = {
    subject_identifier: `066-${100 + random.below(900)}${random.below(10_000)}-${random.below(10)}`,
    subject_visit_id: random.uuid(),
    hostname_created: 'lap-field',
    report_datetime: `2026-11-${10 + random.below(20)}T${10 + random.below(10)}:${10 + random.below(50)}:00.000Z`,
    appointment_id: random.uuid(),
    consent_id: random.uuid(),
    comment: Array.from({ length: 32 }, () => words[random.below(words.length)]).join(' '),
  }
  for (let item = 1; item <= 16; item++) fields[`clinical_question_${item}`] = answers[random.below(answers.length)]
  for (let item = 1; item <= 14; item++) fields[`measurement_value_${item}`] = random.below(20_000) / 100
  return {
    ...{ id: random.uuid(), model: visitModel, action: 'insert', pk: random.uuid() },
    ...{ naturalKey: [String(fields.subject_identifier), '1000', number], fields, base: [], user: 'assistant' },
    recordedAt: String(fields.report_datetime),
  }
}

interface Random {
  below(limit: number): number
  uuid(): string
}

/** sha-256 of a name and a counter: the same everywhere, and incompressible. */
function randomOf(name: string): Random {
  let [block, at, counter] = [Buffer.alloc(0), 0, 0]
  const take = (bytes: number): Buffer => {
    if (at + bytes > block.length) {
      block = createHash('sha512').update(`${name}:${counter++}`).digest()
      at = 0
    }
    at += bytes
    return block.subarray(at - bytes, at)
  }
  return {
    below: (limit) => take(4).readUInt32BE() % limit,
    uuid: () =>
      take(16)
        .toString('hex')
        .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
  }
}
