import { type Answers, measureAnswers } from './answers.ts'
import { type Joining, measureJoining } from './joining.ts'

/** How long people wait at the roadside, in milliseconds, beside what they may be made to wait. */
export interface HandoverWaits {
  answers: Answers[]
  joining: Joining
  limits: { answer: number; joining: number }
  /** The worst answer of all, and the worst joining, as parts of their limits. */
  ratios: { answerToLimit: number; joiningToLimit: number }
}

/** What the page promises to whoever scans, and "within seconds". */
const limits = { answer: 100, joining: 3000 }

/** Measures the pages' answers at so many lines, and joining the hotspot so many times with so many changes pending. */
export async function measureHandover(lines: number[], changes: number, times: number): Promise<HandoverWaits> {
  const answers = await measureAnswers(lines)
  const joining = await measureJoining(changes, times)
  const ratios = {
    answerToLimit: ratio(Math.max(...answers.map(({ worst }) => worst)), limits.answer),
    joiningToLimit: ratio(joining.worst, limits.joining),
  }
  return { answers, joining, limits, ratios }
}

/** The same as lines of a table. */
export function handoverTable({ answers, joining, ratios }: HandoverWaits): string {
  const ms = (took: number) => `${Math.round(took)}`.padStart(6)
  const ofAnswers = answers.map(
    ({ lines, median, worst }) =>
      `answer   ${`${lines}`.padStart(8)} lines ${ms(median)} ms, at worst ${ms(worst)}  a scan on the page's door: on disk, the whole list worked out anew, read by the page`,
  )
  return `${ofAnswers.join('\n')}
joining  ${`${joining.changes}`.padStart(8)} changes ${ms(joining.median)} ms, at worst ${ms(joining.worst)}  from a laptop's announcement, on loopback, to its first tube on the driver's page. A network that was just joined is noticed up to 2 s later

worst answer / limit   ${ratios.answerToLimit}   (to stay below 1: ${limits.answer} ms)
worst joining / limit  ${ratios.joiningToLimit}   (to stay below 1: ${limits.joining} ms)`
}

function ratio(took: number, limit: number): number {
  return Number((took / limit).toFixed(2))
}
