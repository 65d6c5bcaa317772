import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { createInterface } from 'node:readline'

const given = process.argv.slice(2)
const files = given.length > 0 ? given : globSync('test/**/*.test.ts').sort()
const options = ['run', '--reporter=tap', '--disable-coverage', '--allow-empty-coverage', '--jobs=2', '--timeout=600']
const tap = spawn('node_modules/.bin/tap', [...options, ...files], { stdio: ['ignore', 'pipe', 'inherit'] })
const counts = { pass: 0, fail: 0, skip: 0 }
let quiet: string[] = []

/** A line a file; all that a failing file said, and why a test was skipped. */
for await (const line of createInterface({ input: tap.stdout })) {
  if (/^\s+ok \d+ .*# SKIP/.test(line)) process.stdout.write(`${line.trim()}\n`)
  if (/^\s|^$/.test(line)) quiet.push(line)
  else if (/^(ok|not ok) /.test(line)) {
    if (line.startsWith('not ok')) process.stdout.write(`${quiet.join('\n')}\n`)
    process.stdout.write(`${line}\n`)
    quiet = []
  } else countClosing(line)
}
const code = await new Promise<number | null>((resolve) => {
  if (tap.exitCode !== null) resolve(tap.exitCode)
  else tap.once('exit', resolve)
})
process.stdout.write(`${counts.pass} passed, ${counts.fail} failed, ${counts.skip} skipped\n`)
process.exitCode = code === 0 && counts.fail === 0 && counts.pass > 0 ? 0 : 1

/** tap closes with `# { total: 11, pass: 10, fail: 1 }`. */
function countClosing(line: string): void {
  if (!line.startsWith('# { total:')) return
  for (const name of ['pass', 'fail', 'skip'] as const)
    counts[name] = Number(new RegExp(`\\b${name}: (\\d+)`).exec(line)?.[1] ?? 0)
}
