import { join } from 'node:path'
import { openLaptop } from '../commands/open-laptop.ts'
import { recordChanges } from '../daemon/outbox.ts'
import { sealBatch } from '../daemon/seal.ts'
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

/** Records and seals so many changes on a laptop of its own. */
export async function measureSealing(count: number): Promise<SealingRates> {
  const study = await foundTestStudy()
  const { data, identity } = await study.enrol('field', 'lap-01')
  const { store, shelf, close } = await openLaptop(data)
  try {
    const recording = { store, study: shelf.document, digestKey: identity.secrets.digestKey, clock: systemClock }
    const pieces = [...changeLines('lap-01', count)].map((line, index) => ({
      number: index + 1,
      text: Buffer.from(line),
    }))
    const recorded = await rate(count, () => recordChanges(recording, pieces))
    const payloads = new PayloadStore(join(data, 'payloads'))
    const sealing = { store, payloads, identity, study: shelf.document, clock: systemClock }
    const sealed = await rate(count, async () => {
      while ((await sealBatch(sealing)) > 0);
    })
    return { recorded, sealed }
  } finally {
    close()
    study.dispose()
  }
}

async function rate(count: number, work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return Math.round((count / (performance.now() - began)) * 1000)
}
