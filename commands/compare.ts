import type { Command } from 'commander'
import { readSide } from './compare-side.ts'
import { Comparison, type Difference } from './comparison.ts'
import { readGiven } from './given-path.ts'
import { examples, jsonOption } from './options.ts'
import { say, sayJsonList } from './print.ts'

interface Options {
  tokenA?: string
  tokenB?: string
  ca?: string
  json?: true
}

const longestValue = 60

export function addCompare(waybill: Command): void {
  const command = waybill
    .command('compare <a> <b>')
    .description('tell where the records of two sides differ, field by field; exit 1 where they do')
    .option('--token-a <file>', "a file with the token, where A is a server's https address")
    .option('--token-b <file>', 'the same for B')
    .option('--ca <file>', 'the root certificates of such servers, as waybill trust writes them')
    .addOption(jsonOption())
    .action(compare)
  examples(
    command,
    'waybill compare monday.ndjson tuesday.ndjson',
    'waybill compare /srv/waybill https://central:7462 --token-b central.token --ca root.pem',
  )
  command.addHelpText(
    'after',
    '\nA side is what waybill records printed, the data directory of a server, or https://HOST:PORT.',
  )
}

async function compare(a: string, b: string, { tokenA, tokenB, ca, json }: Options): Promise<void> {
  const roots = ca === undefined ? undefined : readGiven(ca)
  const tokenIn = (file: string | undefined) => (file === undefined ? undefined : readGiven(file).trim())
  const comparison = new Comparison()
  try {
    await comparison.take('a', readSide(a, { token: tokenIn(tokenA), ca: roots }))
    await comparison.take('b', readSide(b, { token: tokenIn(tokenB), ca: roots }))
    const different = json ? await listed(comparison) : told(comparison)
    if (different > 0) process.exitCode = 1
  } finally {
    comparison.close()
  }
}

async function listed(comparison: Comparison): Promise<number> {
  let count = 0
  await sayJsonList(counted(comparison.differences(), () => (count += 1)))
  return count
}

function* counted<T>(values: Iterable<T>, seen: () => void): Generator<T> {
  for (const value of values) {
    seen()
    yield value
  }
}

function told(comparison: Comparison): number {
  let different = 0
  for (const difference of comparison.differences()) {
    different += 1
    for (const line of linesOf(difference)) say(`${difference.model} ${difference.pk}: ${line}`)
  }
  const { a, b } = comparison.counts
  say(`${a} records on one side, ${b} on the other; ${different === 0 ? 'no difference' : `${different} differ`}`)
  return different
}

function linesOf({ a, b, naturalKey, fields }: Difference): string[] {
  if (a === null) return [`only the second has it (${b})`]
  if (b === null) return [`only the first has it (${a})`]
  return [
    ...(a === b ? [] : [`${a} | ${b}`]),
    ...(naturalKey ? [`natural key ${JSON.stringify(naturalKey[0])} | ${JSON.stringify(naturalKey[1])}`] : []),
    ...Object.entries(fields).map(([name, value]) => `${name}: ${cut(value.a)} | ${cut(value.b)}`),
  ]
}

function cut(value: unknown): string {
  const text = value === undefined ? '(not there)' : JSON.stringify(value)
  return text.length > longestValue ? `${text.slice(0, longestValue)}...` : text
}
