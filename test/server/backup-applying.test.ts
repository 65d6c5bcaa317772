import { cpSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { appliedThrough, applyNext } from '../../server/apply.ts'
import { backUp } from '../../server/backup.ts'
import { systemClock } from '../../shared/service/clock.ts'
import { Backlog, leftToDo } from '../fixtures/backlog.ts'
import { CraftedLaptop, changeLine } from '../fixtures/craft-batch.ts'
import { atServer, TestServer } from '../fixtures/server-run.ts'
import type { TestDevice } from '../fixtures/study.ts'

t.setTimeout(120_000)

/** After so many transactions of so many changes: children wait; then their parents have come; then only what is held is left. */
const halfways = [
  [2, 300],
  [7, 300],
  [100, 150],
] as const

const backlog = await Backlog.make(t)

async function backedUp({ data }: TestDevice, to: string): Promise<string> {
  const path = await atServer({ data }, async (opened) => {
    const made = await backUp({ ...opened, clock: systemClock }, to, () => undefined)
    return made.path
  })
  const restored = `${to}-restored`
  cpSync(path, restored, { recursive: true })
  cpSync(join(to, 'payloads'), join(restored, 'payloads'), { recursive: true })
  return restored
}

t.test(
  'a backup of a server that is half through applying goes on elsewhere, and ends with the same records',
  async (t) => {
    const backlog = await Backlog.make(t)
    const expected = backlog.expected()
    for (const [steps, most] of halfways) {
      const device = backlog.copy(`after-${steps}`)
      await atServer(device, ({ store }) => {
        for (let step = 0; step < steps && applyNext(store, most) > 0; step += 1);
        t.ok(appliedThrough(store) > 0, `${appliedThrough(store)} changes are applied or set aside`)
      })
      t.ok(leftToDo(device) > 0, `${leftToDo(device)} things are left to do`)
      const restored = { ...device, data: await backedUp(device, `${device.data}-backup`) }
      t.equal(leftToDo(restored), leftToDo(device), 'the backup has come as far')
      const [here, there] = [await backlog.finished(t, device), await backlog.finished(t, restored)]
      t.strictSame(here.verdicts, expected)
      t.strictSame(there, here, `after ${steps} transactions`)
    }
  },
)

t.test('what came after the backup comes to the restored server again, while that applies', async (t) => {
  const device = backlog.copy('original')
  await atServer(device, ({ store }) => applyNext(store, 700))
  const restored = { ...device, data: await backedUp(device, `${device.data}-backup`) }
  const [lap] = backlog.laptops
  if (!lap) throw new Error('no laptop')
  const document = await atServer(device, ({ shelf }) => shelf.document)
  const edits = ['s0', 's1', 'l0'].map((base, index) =>
    changeLine({
      id: `later-${index}`,
      model: 'clinic.subject',
      action: 'update',
      pk: base,
      naturalKey: [base],
      base: [base],
    }),
  )
  const batch = await new CraftedLaptop(lap, document).batch(edits)
  const ends = []
  for (const server of [device, restored]) {
    const running = await TestServer.start(t, server)
    await running.as(lap).push(batch)
    await running.stop()
    ends.push(await backlog.finished(t, server))
  }
  const [here, there] = ends
  t.ok(here?.ids.includes('later-2'))
  t.strictSame({ ...there, ids: there?.ids.toSorted() }, { ...here, ids: here?.ids.toSorted() })
})
