import { availableParallelism, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { type Applying, applyingTable, measureApplying } from './applying.ts'
import { type HandoverWaits, handoverTable, measureHandover } from './handover.ts'
import { measureRounds, type Round, type Rounds } from './rounds.ts'
import { measureSealing, type SealingRates } from './sealing.ts'
import { fullWorkload, quickWorkload } from './workload.ts'

const { values } = parseArgs({ options: { quick: { type: 'boolean' }, json: { type: 'boolean' } } })
const workload = values.quick ? quickWorkload : fullWorkload
const tell = (line: string) => void process.stderr.write(`${line}\n`)
const mebi = 1024 * 1024

tell(`${workload.laptops} laptops x ${workload.changes} changes, ${workload.rounds} rounds; ${machine()}`)
const sealing = await measureSealing(workload.sealed)
const rounds = await measureRounds(workload, tell)
tell('handover')
const { lines, pending, joins } = workload.handover
const handover = await measureHandover(lines, pending, joins)
tell('applying')
const applying = await measureApplying(workload.applied, workload.behind)
const figures = { ...figuresOf(rounds, sealing), handover, applying }
process.stdout.write(values.json ? `${JSON.stringify(figures)}\n` : `${table(figures)}\n`)

/** What carrying costs. */
interface Carrying {
  machine: string
  changes: number
  bytes: number
  /** Medians, in milliseconds. */
  medians: Record<keyof Round, number | null>
  ratios: { pullToCurl: number; forwardToCurl: number; openToCopy: number | null }
  recordedPerSecond: number
  sealedPerSecond: number
  peakMiB: { daemon: number; relay: number; server: number }
}

function figuresOf({ rounds: all, changes, bytes, peaks }: Rounds, { recorded, sealed }: SealingRates): Carrying {
  const of = (what: keyof Round) => median(all.map((round) => round[what]).filter((took) => took !== undefined))
  const [curl, pull, forward, open, copy] = [of('curl'), of('pull'), of('forward'), of('open'), of('copy')]
  const ratio = (mine: number | null, theirs: number | null) => Number(((mine ?? 0) / (theirs ?? 1)).toFixed(2))
  return {
    machine: machine(),
    changes,
    bytes,
    medians: { curl, pull, forward, open, copy },
    ratios: {
      pullToCurl: ratio(pull, curl),
      forwardToCurl: ratio(forward, curl),
      openToCopy: copy && ratio(open, copy),
    },
    recordedPerSecond: recorded,
    sealedPerSecond: sealed,
    peakMiB: {
      daemon: Math.round(peaks.daemon / mebi),
      relay: Math.round(peaks.relay / mebi),
      server: Math.round(peaks.server / mebi),
    },
  }
}

function median(values: number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted[Math.floor(sorted.length / 2)]
  return middle === undefined ? null : Math.round(middle)
}

function machine(): string {
  return `${availableParallelism()} cores, ${Math.round(totalmem() / 1024 ** 3)} GiB, Node ${process.versions.node}`
}

/** Each side, what it took, and what it does and does not do. */
function table({
  changes,
  bytes,
  medians,
  ratios,
  recordedPerSecond,
  sealedPerSecond,
  peakMiB,
  machine,
  handover,
  applying,
}: Carrying & { handover: HandoverWaits; applying: Applying }): string {
  const ms = (took: number | null) => `${took ?? '-'}`.padStart(8)
  return `
${changes} changes, ${(bytes / mebi).toFixed(1)} MiB of plain text a round; ${machine}. Medians, in ms.

curl     ${ms(medians.curl)}  fetches the plain text of each laptop over loopback HTTP, sha256sum, fsync. No TLS, no signature, no receipt
pull     ${ms(medians.pull)}  fetches the sealed batches over mutual TLS, verifies, hashes again from disk, fsyncs, signs, returns the receipts
forward  ${ms(medians.forward)}  the same batches to the server: verified, hashed again, fsynced, numbered, signed; the receipts stored by the relay
open     ${ms(medians.open)}  from the same start until every change is decrypted, checked and committed in the feed. It stays sealed on disk: the feed opens it again
copy     ${ms(medians.copy)}  PostgreSQL's COPY of the same changes into a table that refuses repeats and finds them by their record, committed. In plain text, and nothing is verified

pull / curl     ${ratios.pullToCurl}   (to be reached: 0.65)
forward / curl  ${ratios.forwardToCurl}   (to be reached: 1.0)
open / copy     ${ratios.openToCopy ?? 'no PostgreSQL 15 here that may be started'}   (to be reached: below 1)
recorded        ${recordedPerSecond} changes a second
sealed          ${sealedPerSecond} changes a second   (to be reached: 30,000)
most memory     daemon ${peakMiB.daemon} MiB, relay ${peakMiB.relay} MiB, server ${peakMiB.server} MiB   (to stay below: 200)

${handoverTable(handover)}

${applyingTable(applying)}`
}
