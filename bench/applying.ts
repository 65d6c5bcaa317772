import { join } from 'node:path'
import { Readable } from 'node:stream'
import { openServer } from '../commands/open-server.ts'
import { applyNext } from '../server/apply.ts'
import { BatchReader } from '../server/batch-reader.ts'
import { type IngestContext, ingest } from '../server/ingest.ts'
import { openAll } from '../server/open-batch.ts'
import { systemClock } from '../shared/service/clock.ts'
import { PayloadStore } from '../shared/storage/payload-store.ts'
import { AppliedWorld } from '../test/fixtures/applied-world.ts'
import { type CraftedBatch, CraftedLaptop, frameOf } from '../test/fixtures/craft-batch.ts'
import { foundTestStudy, type TestDevice } from '../test/fixtures/study.ts'
import { batchChanges, changeLines, visitModel } from './workload.ts'

/** What a server does with changes that reach it, without the network around it. */
export interface Applying {
  /** Changes a second from sealed bytes to what their records show: verified, fsynced, opened, applied, each committed. */
  appliedPerSecond: number
  /** Of that, processor time of the one thread that writes the database, in microseconds a change. */
  writerMicroseconds: number
  /** Applied changes that lie behind, and what it costs then to look for work and to take 1,000 changes, in microseconds of processor time. */
  curve: Array<{ behind: number; look: number; take: number }>
}

/** Measures both; `curve` says how much lies behind. */
export async function measureApplying(changes: number, curve: number[]): Promise<Applying> {
  return { ...(await measureRate(changes)), curve: measureCurve(curve) }
}

async function measureRate(count: number): Promise<Omit<Applying, 'curve'>> {
  const study = await foundTestStudy()
  await study.publish(() => ({ models: { [visitModel]: { naturalKey: ['subject', 'visit', 'number'] } } }))
  const lap = await study.enrol('field', 'lap-01')
  const server = await openServer(study.server.data)
  const reader = new BatchReader(study.server.data)
  try {
    const batches = await seal(new CraftedLaptop(lap, server.shelf.document), count)
    const payloads = new PayloadStore(join(study.server.data, 'payloads'))
    const context = { ...server, payloads, reader, clock: systemClock }
    const [began, busy] = [performance.now(), process.threadCpuUsage()]
    await Promise.all([takeIn(context, lap, batches), openAndApply(context, count)])
    const { user, system } = process.threadCpuUsage(busy)
    return {
      appliedPerSecond: Math.round((count / (performance.now() - began)) * 1000),
      writerMicroseconds: Math.round((user + system) / count),
    }
  } finally {
    await reader.close()
    server.close()
    study.dispose()
  }
}

async function seal(laptop: CraftedLaptop, count: number): Promise<CraftedBatch[]> {
  const lines = [...changeLines('lap-01', count)]
  const batches: CraftedBatch[] = []
  for (let at = 0; at < count; at += batchChanges) batches.push(await laptop.batch(lines.slice(at, at + batchChanges)))
  return batches
}

/** In requests of a few batches, as a courier brings them. */
async function takeIn(context: IngestContext, lap: TestDevice, batches: CraftedBatch[]): Promise<void> {
  for (let at = 0; at < batches.length; at += inOneRequest)
    await ingest(
      context,
      lap.device,
      Readable.from(batches.slice(at, at + inOneRequest).map((batch) => frameOf(batch))),
    )
}

/** As the program does, over and over. */
async function openAndApply(context: Parameters<typeof openAll>[0], count: number): Promise<void> {
  for (let applied = 0; applied < count; ) {
    const failed = await openAll(context, () => {
      applied += applyNext(context.store)
    })
    if (failed) throw failed
    for (let done = applyNext(context.store); done > 0; done = applyNext(context.store)) applied += done
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const inOneRequest = 16
const inOneBatch = 1000
const looks = 200

/** The same work with more and more behind it. */
function measureCurve(behind: number[]): Applying['curve'] {
  const world = new AppliedWorld([
    { 'a.parent': { naturalKey: ['name'] }, 'a.child': { naturalKey: ['name'], dependsOn: { parent: 'a.parent' } } },
  ])
  try {
    let made = 0
    const next = () => openNext(world, ++made)
    return behind.map((most) => {
      while (made * inOneBatch < most) {
        next()
        world.apply()
      }
      const look = processorTime(() => {
        for (let count = 0; count < looks; count++) applyNext(world.store)
      })
      const takes = Array.from({ length: 9 }, () => {
        next()
        return processorTime(() => world.apply(1))
      })
      return { behind: most, look: look / looks, take: takes.sort((a, b) => a - b)[4] ?? 0 }
    })
  } finally {
    world.close()
  }
}

function openNext(world: AppliedWorld, seq: number): void {
  const recordedAt = '2026-11-23T09:00:00.000Z'
  const changes = Array.from({ length: inOneBatch }, (_, index) => ({
    ...{ id: `${seq}-${index}`, model: index === 0 ? 'a.parent' : 'a.child', action: 'insert' as const },
    ...{ pk: `${seq}-${index}`, naturalKey: [`${seq}-${index}`], fields: { parent: [`${seq}-0`] }, base: [] },
    ...{ user: 'ra', recordedAt },
  }))
  world.open({ producer: 'p', chain: 'c', seq, changes })
}

function processorTime(work: () => void): number {
  const began = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(began)
  return user + system
}

/** What is measured, and what is to be reached. */
export function applyingTable({ appliedPerSecond, writerMicroseconds, curve }: Applying): string {
  const [first] = curve
  const rows = curve.map(({ behind, look, take }) => {
    const ratio = (mine: number, base = mine) => (mine / base).toFixed(2)
    const of = `${behind}`.padStart(9)
    return `${of} behind   to look for work: ${ratio(look, first?.look)}   to find and apply ${inOneBatch}: ${ratio(take, first?.take)}`
  })
  return `applied         ${appliedPerSecond} changes a second, ingested, opened and applied   (to be reached: 20,000); the writing thread is busy ${writerMicroseconds} us a change
${rows.join('\n')}   (to look: within 1.2)`
}
