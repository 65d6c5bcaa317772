import { openLaptop } from '../commands/open-laptop.ts'
import { recordChanges } from '../daemon/outbox.ts'
import { systemClock } from '../shared/service/clock.ts'
import type { TestDevice } from '../test/fixtures/study.ts'

const model = 'lab.requisition'

/** What a study publishes so that tubes can change hands. */
export const tubeSettings = {
  models: {
    [model]: {
      requisition: {
        ...{ identifier: 'label', subject: 'subject', panel: 'panel', specimenType: 'type', tubes: 'tubes' },
        ...{ isDrawn: 'drawn', drawnAt: 'drawn_at', stabilityMinutes: 240 },
      },
    },
  },
  reasons: [{ code: 'leftBehind', words: 'left behind', closes: false }],
}

/** What is printed on the tube with this number. */
export function labelOf(number: number): string {
  return `T${String(number).padStart(6, '0')}`
}

/** The requisition of a tube that was just drawn, as its app records it. */
export function tubeLine(number: number): string {
  const drawnAt = new Date(Date.now() - (number % 200) * 60_000).toISOString()
  const fields = {
    ...{ label: labelOf(number), subject: `066-${number}`, panel: 'Viral load', type: 'EDTA whole blood', tubes: 1 },
    ...{ drawn: 'Yes', drawn_at: drawnAt },
  }
  return JSON.stringify({ id: `draw-${number}`, model, action: 'insert', pk: `pk-${number}`, fields })
}

/** Records changes on a laptop whose program does not run. */
export async function recordThere({ data, identity }: TestDevice, lines: string[]): Promise<void> {
  const { store, shelf, close } = await openLaptop(data)
  const recording = { store, study: shelf.document, digestKey: identity.secrets.digestKey, clock: systemClock }
  const pieces = lines.map((line, index) => ({ number: index + 1, text: Buffer.from(line) }))
  const { accepted } = await recordChanges(recording, pieces)
  close()
  if (accepted !== lines.length) throw new Error(`${accepted} of ${lines.length} changes were accepted`)
}
