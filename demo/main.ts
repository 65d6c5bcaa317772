import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { checkFigures, countFigures, tellFigures } from './figures.ts'
import { foundDemoStudy } from './found-demo-study.ts'
import { handOver } from './hand-over.ts'
import { laptops } from './laptops.ts'
import { firstRequisition, sampleChanges } from './sample-data.ts'
import { watchJourney } from './watch-journey.ts'
import { type Program, startProgram, waybill } from './waybill.ts'

const { values } = parseArgs({
  options: { stay: { type: 'boolean' }, json: { type: 'boolean' } },
  allowPositionals: true,
})
const tell = (line: string) => (values.json ? process.stderr : process.stdout).write(`${line}\n`)
/** Where a person who stays finds tubes to hand over. */
const forYou = 'lap-03'
const loopback = '127.0.0.1'
const directory = mkdtempSync(join(tmpdir(), 'waybill-demo-'))
const at = (name: string) => join(directory, name)
const programs: Program[] = []
let interrupted: (() => void) | undefined

const start = (name: string, args: string[]) =>
  programs.push(startProgram([...args, '--data', at(name), '--port', '0', '--page-port', '0'], at(`${name}.log`)))

async function stopAll(): Promise<void> {
  await Promise.all(programs.splice(0).map((program) => program.stop()))
  rmSync(directory, { recursive: true, force: true })
}

async function journey(): Promise<boolean> {
  tell('1. A study is founded; the clinic server starts; three laptops and the middleman are added by one-time codes.')
  await foundDemoStudy(at, () => start('server', ['server', '--announce-on', loopback, '--https-port', '0']))
  tell('2. The assistants have worked all day without a network: what the apps recorded is safe on each laptop.')
  for (const { name, site, changes } of laptops)
    await waybill(['record', '--data', at(name)], asLines(sampleChanges(name, site, changes)))
  tell('3. The car stops. The middleman finds the laptops by itself (mDNS on loopback; direct push is off).')
  for (const { name } of laptops) start(name, ['daemon', '--no-push', '--announce-on', loopback])
  start('driver', ['relay', '--browse-on', loopback])
  tell(
    '4. Tubes and data change hands: scanned label by label on the pages, signed by both; at lap-02 one tube is missing.',
  )
  const names = laptops.map(({ name }) => name)
  const handedOver = await handOver(at, values.stay ? names.filter((name) => name !== forYou) : names)
  await watchJourney(at, Boolean(values.json))
  tell('5. Counted at both ends, each on its own:')
  const figures = await countFigures(at, handedOver)
  tellFigures(figures, tell)
  tell('\n6. The way of one tube, from the signatures alone:')
  tell(await waybill(['verify', '--data', at('server'), '--change', firstRequisition(laptops[0]?.name ?? '')]))
  if (values.json) process.stdout.write(`${JSON.stringify(figures)}\n`)
  return checkFigures(figures, tell)
}

async function tellPages(): Promise<void> {
  tell(`7. The pages, each link good once${values.stay ? '' : ' (they close now: npm run demo -- --stay keeps them)'}:`)
  for (const name of ['server', 'driver', ...laptops.map((laptop) => laptop.name)])
    tell(`   ${name.padEnd(8)} ${(await waybill(['page', '--data', at(name)])).trim()}`)
}

function* asLines(values: Iterable<unknown>): Generator<string> {
  for (const value of values) yield `${JSON.stringify(value)}\n`
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    if (interrupted) interrupted()
    else void stopAll().then(() => process.exit(130))
  })

try {
  const whole = await journey()
  await tellPages()
  if (values.stay) {
    tell(
      `It keeps running. The tubes of ${forYou} are for you: begin on the driver's page, and type or scan their labels.`,
    )
    tell('Ctrl-C ends it and removes everything.')
    const alive = setInterval(() => undefined, 60_000)
    await new Promise<void>((resolve) => {
      interrupted = resolve
    })
    clearInterval(alive)
  }
  process.exitCode = whole ? 0 : 1
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 1
} finally {
  await stopAll()
}
