import { createReadStream, statSync } from 'node:fs'
import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { Agent, request } from 'undici'
import { currentRecords } from '../server/current-records.ts'
import { naming, WaybillError } from '../shared/service/errors.ts'
import { readLines } from '../shared/transfer/read-lines.ts'
import { openServer } from './open-server.ts'

/** What is compared of a record; all else says how it came, and may differ between two hosts. */
const ComparedRecord = Type.Object({
  model: Type.String({ minLength: 1, maxLength: 200 }),
  pk: Type.String({ minLength: 1, maxLength: 200 }),
  state: Type.Union([Type.Literal('present'), Type.Literal('deleted'), Type.Literal('merged')]),
  naturalKey: Type.Array(Type.Unknown(), { maxItems: 32 }),
  fields: Type.Record(Type.String(), Type.Unknown()),
})
export type ComparedRecord = Static<typeof ComparedRecord>

/** How a server is asked over HTTPS: with a token of an app, and the root certificate that `waybill trust` tells of. */
export interface Asking {
  token: string | undefined
  ca: string | undefined
}

const check = TypeCompiler.Compile(ComparedRecord)
/** The largest change, and what an export says besides. */
const longestLine = 2 * 1024 * 1024
const pageSize = 1000
const timeoutMs = 60_000

/**
 * The records of one side: a server's data directory, what `waybill records` printed, or a server at https://HOST:PORT. One that comes twice
 * counts as it came last.
 * @throws BAD_ARGUMENT for what is none of these, BAD_DOCUMENT naming the line that is no record, PEER_UNREACHABLE
 */
export function readSide(place: string, asking: Asking): AsyncGenerator<ComparedRecord> {
  if (/^https:\/\//i.test(place)) return askServer(place, asking)
  const found = statSync(place, { throwIfNoEntry: false })
  if (!found) throw new WaybillError('BAD_ARGUMENT', `${place}: there is no such file or directory`)
  return found.isDirectory() ? readDirectory(place) : readFile(place)
}

async function* readDirectory(data: string): AsyncGenerator<ComparedRecord> {
  const opened = await openServer(data)
  try {
    opened.store.$client.exec('BEGIN')
    yield* currentRecords(opened)
    opened.store.$client.exec('COMMIT')
  } finally {
    opened.close()
  }
}

async function* readFile(path: string): AsyncGenerator<ComparedRecord> {
  let number = 0
  for await (const line of readLines(createReadStream(path), longestLine)) {
    number += 1
    if (line.trim() !== '') yield parse(line, `${path}, line ${number}`)
  }
}

/** All that the records have shown, page by page: what came last of each is what it shows. */
async function* askServer(address: string, { token, ca }: Asking): AsyncGenerator<ComparedRecord> {
  if (token === undefined) throw new WaybillError('BAD_ARGUMENT', `${address}: a server is asked with a token`)
  const dispatcher = new Agent({
    connect: { ...(ca === undefined ? {} : { ca }), minVersion: 'TLSv1.3', timeout: timeoutMs },
  })
  try {
    for (let [after, more] = ['', true]; more; ) {
      more = false
      const path = `/v1/states?limit=${pageSize}${after && `&after=${encodeURIComponent(after)}`}`
      for await (const line of readLines(await ask(new URL(path, address), token, dispatcher), longestLine)) {
        yield parse(line, address)
        ;[after, more] = [String(JSON.parse(line).cursor), true]
      }
    }
  } finally {
    await dispatcher.destroy()
  }
}

async function ask(url: URL, token: string, dispatcher: Agent): Promise<AsyncIterable<Uint8Array>> {
  return naming(url.host, async () => {
    try {
      const { statusCode, body } = await request(url, { dispatcher, headers: { authorization: `Bearer ${token}` } })
      if (statusCode === 200) return body
      const told = (await body.text()).slice(0, 500)
      throw new WaybillError('PEER_UNREACHABLE', `it answered ${statusCode}: ${told}`)
    } catch (cause) {
      if (cause instanceof WaybillError) throw cause
      throw new WaybillError('PEER_UNREACHABLE', cause instanceof Error ? cause.message : String(cause), { cause })
    }
  })
}

function parse(line: string, where: string): ComparedRecord {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (cause) {
    throw new WaybillError('BAD_DOCUMENT', `${where}: not JSON`, { cause })
  }
  if (check.Check(value)) return value
  const first = check.Errors(value).First()
  throw new WaybillError('BAD_DOCUMENT', `${where}: no record: ${first?.path} ${first?.message}`)
}
