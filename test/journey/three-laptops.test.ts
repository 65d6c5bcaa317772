import { execFileSync } from 'node:child_process'
import t from 'tap'
import { Day } from '../fixtures/day.ts'

t.test(
  'three laptops, one relay, the server: every change once, receipts back, and nothing readable on the way',
  async (t) => {
    const day = await Day.begin(t)
    const laptops = await Promise.all(['lap-01', 'lap-02', 'lap-03'].map((name) => day.study.enrol('field', name)))
    const relay = await day.study.enrol('relay', 'driver')
    for (const [index, laptop] of laptops.entries()) await day.record(laptop, [1300, 501, 1][index] ?? 0)
    await day.start(day.server)
    for (const laptop of laptops) await day.start(laptop, ['--no-push'])
    await day.start(relay)
    await day.untilDelivered(...laptops)
    for (const laptop of laptops) await day.record(laptop, 20)
    await day.untilDelivered(...laptops)
    await day.expectEachOnce()
    await day.end()
    await day.expectVerified(day.server, relay, ...laptops)
    t.equal(grep('SECRETINITIALS', relay.data), '', 'invariant 6: no clinical field is readable on the relay')
    t.equal(grep('SECRETINITIALS', laptops[0]?.data ?? ''), '', 'plain text is gone from a laptop once it is sealed')
  },
)

/** The files under a directory that hold the text. */
function grep(text: string, directory: string): string {
  try {
    return execFileSync('grep', ['-rl', text, directory], { encoding: 'utf8' })
  } catch {
    return ''
  }
}
