import { createReadStream } from 'node:fs'
import { readChange } from '../daemon/read-change.ts'
import { splitInput } from '../daemon/split-input.ts'
import { newestChanges } from '../server/newest-changes.ts'
import type { StudySettings } from '../shared/protocol/study-document.ts'
import { systemClock } from '../shared/service/clock.ts'
import { naming } from '../shared/service/errors.ts'
import { keylessModels } from '../study/check-models.ts'
import { type Problem, tellProblem } from '../study/problem.ts'
import { RegistrySamples } from '../study/registry-samples.ts'
import { registryProblems, settingsProblems } from '../study/settings.ts'
import { atServer } from './deciding.ts'
import { withGiven } from './given-path.ts'
import { say, sayJson } from './print.ts'
import { readSettings } from './read-settings.ts'

interface Options {
  data?: string
  samples?: string
  json?: true
}

/** Whole settings, as `study publish` takes them, or the registry alone: `{"models": {...}}`, as an app writes it. */
export async function checkModels(file: string, { data, samples, json }: Options): Promise<void> {
  const given = readSettings(file)
  const malformed = isRegistry(given) ? registryProblems(given) : settingsProblems(given)
  const settings = given as Pick<StudySettings, 'models'>
  const problems = malformed.length > 0 ? malformed : keylessModels(settings.models)
  const compared = malformed.length === 0 ? await compare(settings, samples, data) : undefined
  const wrong = [...problems, ...(compared?.problems() ?? [])]
  const unseen = compared?.unseen() ?? []
  if (json) sayJson({ wrong, unseen })
  else tell(wrong, unseen)
  if (wrong.length > 0) process.exitCode = 1
}

function isRegistry(given: unknown): boolean {
  return typeof given === 'object' && given !== null && Object.keys(given).join() === 'models'
}

/** @returns undefined where there is nothing to compare with */
async function compare(
  { models }: Pick<StudySettings, 'models'>,
  file: string | undefined,
  data: string | undefined,
): Promise<RegistrySamples | undefined> {
  if (file === undefined && data === undefined) return undefined
  const samples = new RegistrySamples(models)
  if (file !== undefined) await withGiven(file, () => takeFile(samples, file))
  if (data !== undefined)
    await atServer(data, async (context) => {
      for await (const change of newestChanges(context, Object.keys(models))) samples.take(change)
    })
  return samples
}

async function takeFile(samples: RegistrySamples, file: string): Promise<void> {
  for await (const { number, text } of splitInput(createReadStream(file)))
    await naming(`${file}, change ${number}`, async () => {
      const given = readChange(unwrapped(text), systemClock.now())
      if (given) samples.take(given.change)
    })
}

/** `waybill changes` prints each change with whence it came. */
function unwrapped(text: Buffer | null): Buffer | null {
  if (text === null || !text.includes('"cursor"')) return text
  try {
    const { change, cursor } = JSON.parse(text.toString('utf8'))
    return typeof change === 'object' && typeof cursor === 'string' ? Buffer.from(JSON.stringify(change)) : text
  } catch {
    return text
  }
}

function tell(wrong: Problem[], unseen: string[]): void {
  for (const problem of wrong) say(tellProblem(problem))
  if (unseen.length > 0)
    say(`of these no change was looked at, so that nothing is said of their fields: ${unseen.join(', ')}`)
  say(wrong.length === 0 ? 'nothing is wrong' : `${wrong.length} wrong`)
}
