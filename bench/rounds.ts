import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { Curl } from './curl.ts'
import { forgetPeakMemoryOf, peakMemoryOf } from './memory.ts'
import { Plain } from './plain.ts'
import { Postgres } from './postgres.ts'
import { type Study, startStudy } from './study.ts'
import { Watch } from './watch.ts'
import type { Workload } from './workload.ts'

/** One round, in milliseconds: the same changes by every way. */
export interface Round {
  curl: number
  /** From the first connection to the last laptop's answer that it has the receipts. */
  pull: number
  /** From the first connection to the server's last receipt on the relay's disk. */
  forward: number
  /** From the same connection to the last change's commit in the server's feed. */
  open: number
  /** Undefined where PostgreSQL is not there. */
  copy: number | undefined
}

/** What the rounds came to; `peaks` is the most that was resident in each program, in bytes. */
export interface Rounds {
  rounds: Round[]
  /** What one round carries. */
  changes: number
  bytes: number
  batches: number
  peaks: { daemon: number; relay: number; server: number }
}

/** Carries new changes in every round, by Waybill and by the others, in an order that turns round; the first round only warms up. */
export async function measureRounds(workload: Workload, tell: (line: string) => void): Promise<Rounds> {
  const names = Array.from({ length: workload.laptops }, (_, index) => `lap-${String(index + 1).padStart(2, '0')}`)
  const study = await startStudy(names)
  const plain = new Plain(study.directory, names, workload.changes)
  const curl = await Curl.start(plain, study.directory)
  const postgres = Postgres.start(plain, study.directory)
  try {
    const rounds: Round[] = []
    for (let round = 0; round <= workload.rounds; round++) {
      if (round === 1) forgetPeaks(study)
      plain.write(round)
      await recordAll(study, plain, round)
      const measured = await measureRound(study, plain, curl, postgres, round % 2 === 0)
      tell(`${round === 0 ? 'warming up' : `round ${round} of ${workload.rounds}`}: ${describe(measured)}`)
      if (round > 0) rounds.push(measured)
    }
    return {
      rounds,
      changes: names.length * plain.changes,
      bytes: plain.bytes,
      batches: plain.batches,
      peaks: peaksOf(study),
    }
  } finally {
    postgres?.stop()
    await curl.stop()
    await study.close()
  }
}

async function measureRound(
  study: Study,
  plain: Plain,
  curl: Curl,
  postgres: Postgres | undefined,
  turned: boolean,
): Promise<Round> {
  const others = async () => ({
    curl: await settled(() => curl.measure()),
    copy: postgres && (await settled(() => postgres.measure())),
  })
  const journey = () => settled(() => measureJourney(study, plain))
  return turned ? { ...(await journey()), ...(await others()) } : { ...(await others()), ...(await journey()) }
}

/** What earlier work left in the page cache is written before, not during, the measure. */
async function settled<T>(measure: () => Promise<T>): Promise<T> {
  spawnSync('sync')
  return measure()
}

async function measureJourney({ laptops, courier, server, directory }: Study, { batches }: Plain) {
  const ports = laptops.map((laptop) => laptop.portOf('port'))
  const pulled = await courier.visit(ports, 'SELECT count(*) FROM receipts WHERE returned = 1', batches)
  const onServer = new Watch(join(directory, 'server'))
  const opened = onServer.one("SELECT count(*) FROM batches WHERE state = 'opened'") + batches
  const opening = onServer.until("SELECT count(*) FROM batches WHERE state = 'opened'", opened)
  const forwarded = await courier.visit([server.portOf('port')], 'SELECT count(*) FROM server_receipts', batches)
  const open = (await opening) - forwarded.began
  onServer.close()
  return { pull: pulled.ended - pulled.began, forward: forwarded.ended - forwarded.began, open }
}

async function recordAll({ laptops }: Study, plain: Plain, round: number): Promise<void> {
  for (const laptop of laptops) await laptop.record(plain.fileOf(laptop.name))
  for (const laptop of laptops) await laptop.sealed(((round + 1) * plain.batches) / laptops.length)
}

function forgetPeaks({ laptops, courier, server }: Study): void {
  for (const { pid } of [...laptops, courier, server]) forgetPeakMemoryOf(pid)
}

function peaksOf({ laptops, courier, server }: Study): Rounds['peaks'] {
  const daemon = Math.max(...laptops.map((laptop) => peakMemoryOf(laptop.pid)))
  return { daemon, relay: peakMemoryOf(courier.pid), server: peakMemoryOf(server.pid) }
}

function describe(round: Round): string {
  return Object.entries(round)
    .map(([what, took]) => `${what} ${took === undefined ? '-' : Math.round(took)} ms`)
    .join(', ')
}
