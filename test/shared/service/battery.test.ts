import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readBattery } from '../../../shared/service/battery.ts'

t.test('a laptop tells how long it can still work', async (t) => {
  const directory = t.testdir()
  const supply = (name: string, files: Record<string, string>) => {
    mkdirSync(join(directory, name), { recursive: true })
    for (const [file, text] of Object.entries(files)) writeFileSync(join(directory, name, file), `${text}\n`)
  }
  t.equal(readBattery(join(directory, 'nothing')), null)
  t.equal(readBattery(directory), null)
  supply('AC', { type: 'Mains', online: '0' })
  supply('mouse', { type: 'Battery', scope: 'Device', capacity: '3', status: 'Discharging' })
  t.equal(readBattery(directory), null, 'neither mains nor a mouse is the laptop')
  supply('BAT0', { type: 'Battery', capacity: '11', status: 'Discharging' })
  t.same(readBattery(directory), { percent: 11, isCharging: false })
  supply('BAT1', { type: 'Battery', capacity: '90', status: 'Not charging' })
  t.same(readBattery(directory), { percent: 51, isCharging: false }, 'two batteries: one is being emptied')
  supply('BAT0', { status: 'Charging' })
  t.same(readBattery(directory), { percent: 51, isCharging: true })
  supply('BAT0', { capacity: 'unknown' })
  t.same(readBattery(directory), { percent: 90, isCharging: true })
})
