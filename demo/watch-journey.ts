import { setTimeout as pause } from 'node:timers/promises'
import { MultiBar, Presets } from 'cli-progress'
import { openLaptop } from '../commands/open-laptop.ts'
import { daemonStatus } from '../daemon/status.ts'
import { laptops } from './laptops.ts'

const deadlineMs = 180_000
const everyMs = 200

/** Shows how many changes the clinic's receipts cover on each laptop, until they cover all. */
export async function watchJourney(at: (name: string) => string, quiet: boolean): Promise<void> {
  const opened = await Promise.all(laptops.map(({ name }) => openLaptop(at(name))))
  const show = process.stderr.isTTY && !quiet ? bars() : lines(quiet)
  const counts = () =>
    opened.map(({ store, identity, shelf }, index) => {
      const { name, changes } = laptops[index] ?? { name: '', changes: 0 }
      const { counts, handovers } = daemonStatus(store, at(name), identity, shelf.document)
      const { delivered, sealed, withDriver, atServer } = counts
      return {
        name,
        changes,
        isWhole:
          sealed.batches + withDriver.batches + atServer.batches === 0 && handovers.signed === handovers.atServer,
        carried: withDriver.changes + atServer.changes + delivered.changes,
        delivered: delivered.changes,
      }
    })
  try {
    for (const end = performance.now() + deadlineMs; ; ) {
      const now = counts()
      show.tell(now)
      if (now.every(({ changes, delivered, isWhole }) => delivered >= changes && isWhole)) return
      if (performance.now() > end) throw new Error(`the journey did not end in ${deadlineMs / 1000} s`)
      await pause(everyMs)
    }
  } finally {
    show.end()
    for (const { close } of opened) close()
  }
}

interface Figure {
  name: string
  changes: number
  carried: number
  delivered: number
  /** Its signed handovers too are at the clinic, and all its batches. */
  isWhole: boolean
}

function bars() {
  const format = '   {name} [{bar}] {value}/{total} changes at the clinic, {carried} signed for'
  const multi = new MultiBar({ format, hideCursor: true, stream: process.stderr }, Presets.legacy)
  const made = laptops.map(({ name, changes }) => multi.create(changes, 0, { name, carried: 0 }))
  return {
    tell: (figures: Figure[]) => {
      for (const [index, { name, carried, delivered }] of figures.entries())
        made[index]?.update(delivered, { name, carried })
    },
    end: () => multi.stop(),
  }
}

/** Without a terminal: a line when something moved. */
function lines(quiet: boolean) {
  let last = ''
  return {
    tell: (figures: Figure[]) => {
      const line = figures.map(
        ({ name, carried, delivered, changes }) =>
          `${name}: ${carried} signed for, ${delivered} of ${changes} at the clinic`,
      )
      if (!quiet && line.join('; ') !== last) process.stdout.write(`   ${line.join('; ')}\n`)
      last = line.join('; ')
    },
    end: () => undefined,
  }
}
