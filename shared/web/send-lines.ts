import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'

const chunkCharacters = 65_536

/**
 * Answers with NDJSON, no faster than it is taken: for a slow reader one chunk waits in memory, and one that goes away ends the reading.
 * What goes wrong before the first entry is answered as an error; afterwards the connection breaks off in the middle, which no reader
 * takes for the end, and the next request is told why.
 * @param stillMay throws when the reader may not read on
 */
export async function sendLines(
  reply: FastifyReply,
  entries: AsyncGenerator<unknown>,
  stillMay: () => void,
): Promise<FastifyReply> {
  const chunks = chunksOf(entries, stillMay)
  const first = await chunks.next()
  const body = Readable.from(withFirst(first, chunks), { highWaterMark: 1 })
  return reply.type('application/x-ndjson').send(body)
}

async function* withFirst(first: IteratorResult<string>, rest: AsyncGenerator<string>): AsyncGenerator<string> {
  try {
    if (!first.done) yield first.value
    yield* rest
  } finally {
    await rest.return(undefined)
  }
}

async function* chunksOf(entries: AsyncGenerator<unknown>, stillMay: () => void): AsyncGenerator<string> {
  let chunk = ''
  for await (const entry of entries) {
    chunk += `${JSON.stringify(entry)}\n`
    if (chunk.length < chunkCharacters) continue
    stillMay()
    yield chunk
    chunk = ''
  }
  stillMay()
  if (chunk !== '') yield chunk
}
