import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { WaybillError } from '../shared/service/errors.ts'

const mostBytes = 4096

/**
 * A new password: typed twice at the terminal, which shows nothing of it; or the first line of standard input, where that is no
 * terminal. Never an argument: whoever lists the programs that run would read it.
 * @throws BAD_ARGUMENT where the two are not the same, or there is none
 */
export async function askPassword(): Promise<string> {
  if (!process.stdin.isTTY) return firstLine(await text(process.stdin))
  const password = await askSilently('Password: ')
  if ((await askSilently('The same again: ')) !== password)
    throw new WaybillError('BAD_ARGUMENT', 'the two passwords are not the same')
  return password
}

function firstLine(given: string): string {
  const [line = ''] = given.slice(0, mostBytes).split('\n')
  if (line.trim() === '') throw new WaybillError('BAD_ARGUMENT', 'standard input holds no password')
  return line.replace(/\r$/, '')
}

/** The terminal gives keys and not lines, and what would be shown goes nowhere. */
async function askSilently(question: string): Promise<string> {
  process.stderr.write(question)
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const reader = createInterface({ input: process.stdin, output: nowhere, terminal: true })
  try {
    return await new Promise((resolve, reject) => {
      reader.once('line', resolve)
      reader.once('SIGINT', () => reject(new WaybillError('BAD_ARGUMENT', 'no password was given')))
      reader.once('close', () => reject(new WaybillError('BAD_ARGUMENT', 'no password was given')))
    })
  } finally {
    reader.close()
    process.stderr.write('\n')
  }
}
