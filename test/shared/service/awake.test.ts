import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Awake } from '../../../shared/service/awake.ts'
import { until } from '../../fixtures/until.ts'

t.test('while data moves, one holder keeps the machine awake; it ends with the work', async (t) => {
  const directory = t.testdir()
  const log = join(directory, 'log')
  const command = join(directory, 'inhibit')
  // Stands in for systemd-inhibit, which needs a running systemd: it runs the command that it was given, to its end.
  writeFileSync(
    command,
    `#!/bin/sh\necho "begun $*" >> ${log}\nfor last; do :; done\n"$last"\necho ended >> ${log}\n`,
    {
      mode: 0o755,
    },
  )
  const told = () => (existsSync(log) ? readFileSync(log, 'utf8') : '')
  const awake = new Awake(command)
  t.teardown(() => awake.end())
  let finish = () => {}
  const first = awake.during(
    () =>
      new Promise<void>((resolve) => {
        finish = resolve
      }),
  )
  t.equal(await awake.during(async () => 7), 7)
  awake.touch()
  await until('it is held', () => told().includes('begun'))
  t.match(told(), '--what=sleep:handle-lid-switch --mode=block')
  finish()
  await first
  t.notMatch(told(), 'ended', 'a pause is no end')
  awake.end()
  await until('it is released', () => told().includes('ended'))
  t.equal(told().match(/begun/g)?.length, 1)
})

t.test('without systemd all goes on', async (t) => {
  const awake = new Awake(join(t.testdir(), 'not-there'))
  t.equal(await awake.during(async () => 'done'), 'done')
  await t.rejects(
    awake.during(async () => {
      throw new Error('as it was')
    }),
    { message: 'as it was' },
  )
  awake.end()
})

t.test('a holder that fails is not tried again with every byte', async (t) => {
  const directory = t.testdir()
  const log = join(directory, 'log')
  const command = join(directory, 'inhibit')
  writeFileSync(command, `#!/bin/sh\necho tried >> ${log}\nexit 1\n`, { mode: 0o755 })
  const tries = () => (existsSync(log) ? readFileSync(log, 'utf8').length : 0)
  const awake = new Awake(command)
  let [before, quiet] = [0, 0]
  await until('it gives up', () => {
    awake.touch()
    awake.end()
    quiet = before > 0 && tries() === before ? quiet + 1 : 0
    before = tries()
    return quiet === 20
  })
  t.ok(before > 0)
})
