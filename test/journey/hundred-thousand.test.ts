import { readFileSync } from 'node:fs'
import t from 'tap'
import { Day } from '../fixtures/day.ts'

const changes = 100_000
const limitMiB = 250

t.test(`invariant 10: ${changes} pending changes travel in bounded memory`, async (t) => {
  const day = await Day.begin(t)
  const laptop = await day.study.enrol('field', 'lap-01')
  const relay = await day.study.enrol('relay', 'driver')
  await day.record(laptop, changes, 600)
  const programs = {
    server: await day.start(day.server),
    daemon: await day.start(laptop, ['--no-push']),
    relay: await day.start(relay),
  }
  await day.untilDelivered(laptop)
  for (const [name, { pid }] of Object.entries(programs)) {
    const peak = peakMiB(pid)
    t.comment(`${name}: ${peak} MiB at most`)
    t.ok(peak < limitMiB, `${name} never held more than ${limitMiB} MiB`)
  }
  await day.expectEachOnce()
})

/** The most that a process ever had in memory (proc(5), VmHWM). */
function peakMiB(pid: number): number {
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Math.round(Number(kib) / 1024)
}
