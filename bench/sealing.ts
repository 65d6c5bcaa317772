import { join } from 'node:path'
import { openLaptop } from '../commands/open-laptop.ts'
import { type RecordContext, recordChanges } from '../daemon/outbox.ts'
import { sealBatches } from '../daemon/seal.ts'
import type { Piece } from '../daemon/split-input.ts'
import { systemClock } from '../shared/service/clock.ts'
import { PayloadStore } from '../shared/storage/payload-store.ts'
import { foundTestStudy } from '../test/fixtures/study.ts'
import { changeLines } from './workload.ts'

/** Changes a second on one laptop, without its program around them. */
export interface SealingRates {
  /** Taken from the app: checked, and committed in runs of 500. */
  recorded: number
  /** Compressed, sealed, fsynced, numbered, signed, the plain text erased. */
  sealed: number
}

/** Records and seals so many changes on a laptop of its own, after a tenth of them on another: V8 has compiled what it runs then. */
export async function measureSealing(count: number): Promise<SealingRates> {
  await sealOnce(count / 10)
  return sealOnce(count)
}

async function sealOnce(count: number): Promise<SealingRates> {
  const study = await foundTestStudy()
  const { data, identity } = await study.enrol('field', 'lap-01')
  const { store, shelf, close } = await openLaptop(data)
  try {
    const laptop = { store, identity, study: shelf.document, clock: systemClock }
    const recorded = await record({ ...laptop, digestKey: identity.secrets.digestKey }, piecesOf(count))
    const sealing = { ...laptop, payloads: new PayloadStore(join(data, 'payloads')) }
    const sealed = await rate(count, async () => {
      while ((await sealBatches(sealing)) > 0);
    })
    return { recorded, sealed }
  } finally {
    close()
    study.dispose()
  }
}

/** What was given is let go of before sealing is timed, as the laptop's program lets go of it. */
function record(recording: RecordContext, pieces: Piece[]): Promise<number> {
  return rate(pieces.length, () => recordChanges(recording, pieces))
}

function piecesOf(count: number): Piece[] {
  return [...changeLines('lap-01', count)].map((line, index) => ({ number: index + 1, text: Buffer.from(line) }))
}

async function rate(count: number, work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return Math.round((count / (performance.now() - began)) * 1000)
}
