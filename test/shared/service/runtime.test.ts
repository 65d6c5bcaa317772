import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import { claimRuntime, clearRuntime, readRuntime, writeRuntime } from '../../../shared/service/runtime.ts'

const directory = mkdtempSync(join(tmpdir(), 'waybill-'))
const children = new Set<ChildProcess>()
t.teardown(async () => {
  await Promise.all([...children].map((child) => end(child)))
  rmSync(directory, { recursive: true })
})
let made = 0
const freshData = () => {
  made += 1
  const data = join(directory, `data-${made}`)
  mkdirSync(data)
  return data
}
const at = new Date('2026-11-24T08:00:00.000Z')
const script = `
  import { claimRuntime } from ${JSON.stringify(new URL('../../../shared/service/runtime.ts', import.meta.url).href)}
  const say = (text) => process.stdout.write(text + '\\n')
  say('ready')
  process.stdin.on('data', () =>
    claimRuntime(process.env.DATA, 'relay', new Date()).then(() => say('claimed'), ({ code }) => say(code)))`

/** Another program, which claims the directory when it is told to, and then stays. */
interface Program {
  child: ChildProcess
  next(): Promise<string>
}

async function startProgram(data: string): Promise<Program> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, DATA: data },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  children.add(child)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => String((await lines.next()).value)
  await next()
  return { child, next }
}

async function claim({ child, next }: Program): Promise<string> {
  child.stdin?.write('go\n')
  return next()
}

async function end(child: ChildProcess): Promise<void> {
  children.delete(child)
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

t.test('one program a directory: of many that start at once one runs, the others are told LOCKED', async (t) => {
  for (const round of [1, 2, 3]) {
    const data = freshData()
    const programs = await Promise.all([1, 2, 3, 4, 5].map(() => startProgram(data)))
    const answers = await Promise.all(programs.map(claim))
    t.strictSame(answers.sort(), ['LOCKED', 'LOCKED', 'LOCKED', 'LOCKED', 'claimed'], `round ${round}`)
    await Promise.all(programs.map(({ child }) => end(child)))
  }
})

t.test('other commands see the program that runs, and nothing once it was killed', async (t) => {
  const data = freshData()
  t.equal(readRuntime(data), undefined)
  const program = await startProgram(data)
  t.equal(await claim(program), 'claimed')
  t.match(readRuntime(data), { program: 'relay', pid: program.child.pid, ports: {} })
  await t.rejects(claimRuntime(data, 'daemon', at), {
    code: 'LOCKED',
    message: new RegExp(`relay \\(process ${program.child.pid}\\)`),
  })
  t.match(readRuntime(data), { program: 'relay', pid: program.child.pid }, 'the refused one changed nothing')
  await end(program.child)
  t.ok(existsSync(join(data, 'runtime.json')), 'the kill left its file')
  t.equal(readRuntime(data), undefined, 'which is believed no more')
  await t.resolves(claimRuntime(data, 'daemon', at), 'and is in the way of none')
  clearRuntime(data)
})

t.test(
  'a file that a killed program left is stale, even when its process id is now another program of ours',
  async (t) => {
    const [data, elsewhere] = [freshData(), freshData()]
    const other = await startProgram(elsewhere)
    t.equal(await claim(other), 'claimed')
    const runtime = { program: 'daemon', pid: other.child.pid, startedAt: at.toISOString(), ports: { pagePort: 7441 } }
    writeFileSync(join(data, 'runtime.json'), JSON.stringify(runtime))
    t.equal(readRuntime(data), undefined, 'after a restart of the laptop, numbers are given again')
    await t.resolves(claimRuntime(data, 'daemon', at))
    clearRuntime(data)
    await end(other.child)
  },
)

t.test('a program tells where it listens, and says when it ends', async (t) => {
  const data = freshData()
  await claimRuntime(data, 'server', at)
  t.match(readRuntime(data), { program: 'server', pid: process.pid, startedAt: at.toISOString(), ports: {} })
  await writeRuntime(data, { program: 'server', pid: process.pid, startedAt: at.toISOString(), ports: { port: 7460 } })
  t.strictSame(readRuntime(data)?.ports, { port: 7460 })
  const rival = await startProgram(data)
  t.equal(await claim(rival), 'LOCKED')
  for (const damaged of ['', '{', '[]', '{"program":"other"}']) {
    writeFileSync(join(data, 'runtime.json'), damaged)
    t.equal(readRuntime(data), undefined, `a damaged file: ${damaged}`)
  }
  clearRuntime(data)
  t.equal(readRuntime(data), undefined)
  t.equal(await claim(rival), 'claimed', 'the next one gets it')
  await end(rival.child)
})

t.test('a new directory is made; two directories are two locks', async (t) => {
  const [one, two] = [join(freshData(), 'new', 'deep'), freshData()]
  await claimRuntime(one, 'daemon', at)
  await claimRuntime(two, 'relay', at)
  t.match([readRuntime(one), readRuntime(two)], [{ program: 'daemon' }, { program: 'relay' }])
  clearRuntime(one)
  t.match([readRuntime(one), readRuntime(two)], [undefined, { program: 'relay' }])
  clearRuntime(two)
})
