import type { ErrorCode } from '../shared/service/errors.ts'
import { type About, pkDigest } from './about-change.ts'
import { atPlace, recordPlace } from './record-place.ts'
import type { Round } from './round.ts'

/** Why a change is not applied. */
export interface Verdict {
  state: 'waiting' | 'held' | 'quarantined'
  code: ErrorCode
  message: string
  /** What it waits for. */
  parents: Buffer[]
}

/**
 * Whether a change can be applied as things stand. Where several study configurations count for it, the best of what they say does.
 * @returns undefined where it can
 */
export function judge(round: Round, about: About, model: string): Verdict | undefined {
  if (!about.also) return judgeOne(round, about, model)
  const verdicts = [about, ...about.also].map((one) => judgeOne(round, one, model))
  if (verdicts.includes(undefined)) return undefined
  const [best] = verdicts.filter((one) => one !== undefined).sort((a, b) => order[a.state] - order[b.state])
  return best && { ...best, parents: verdicts.flatMap((one) => one?.parents ?? []) }
}

const order = { waiting: 0, held: 1, quarantined: 2 }

function judgeOne(round: Round, about: About, model: string): Verdict | undefined {
  if (about.refused)
    return verdict('quarantined', 'DECISION_REFUSED', 'only a server of the study may bring decisions of persons')
  if (about.held) return verdict('held', 'MODEL_UNREGISTERED', `no study configuration has ${model} for offline use`)
  if (about.wrong !== undefined) return verdict('quarantined', 'CHANGE_UNAPPLICABLE', about.wrong)
  const missing = [...missingKeys(round, about), ...missingPks(round, about)]
  const first = missing[0]
  if (!first) return undefined
  const parents = missing.map(({ parent }) => parent)
  return {
    ...verdict('waiting', 'WAITING_FOR_PARENT', `${first.model}: the record that it names has not arrived`),
    parents,
  }
}

function verdict(state: Verdict['state'], code: ErrorCode, message: string): Verdict {
  return { state, code, message, parents: [] }
}

interface Missing {
  model: string
  parent: Buffer
}

function* missingKeys(round: Round, { parents = {} }: About): Generator<Missing> {
  for (const [model, keys] of Object.entries(parents))
    for (const key of keys) {
      const parent = Buffer.from(key, 'base64url')
      if (!round.get('SELECT 1 FROM natural_keys WHERE key = ? LIMIT 1', parent)) yield { model, parent }
    }
}

function* missingPks(round: Round, { pks = {} }: About): Generator<Missing> {
  for (const [model, names] of Object.entries(pks))
    for (const pk of names)
      if (!round.get(`SELECT 1 FROM records WHERE ${atPlace} AND known = 1`, ...recordPlace(model, pk)))
        yield { model, parent: pkDigest(model, pk) }
}
