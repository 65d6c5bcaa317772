import { WaybillError } from '../service/errors.ts'

/** A frame begins with `head`; then its bytes come, in pieces, and `left` says how many are still to come. */
export type Piece<Head> = { head: Head; size: number } | { head?: never; bytes: Buffer; left: number }

const maxHeadBytes = 1_048_576
const newline = 0x0a

/**
 * Takes apart what was sent as frames: a line of JSON, then as many bytes as it announces, again and again to the end.
 * @param readHead reads a line, and says how many bytes follow it
 * @throws BAD_DOCUMENT for what is no head line, PEER_UNREACHABLE where the bytes break off, and what the source throws
 */
export async function* splitFrames<Head>(
  source: AsyncIterable<Uint8Array>,
  readHead: (line: string) => { head: Head; size: number },
): AsyncGenerator<Piece<Head>> {
  let line: Buffer[] = []
  let left = 0
  for await (const chunk of source) {
    let rest = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    while (rest.length > 0) {
      if (left > 0) {
        const bytes = rest.subarray(0, left)
        left -= bytes.length
        rest = rest.subarray(bytes.length)
        yield { bytes, left }
        continue
      }
      const end = rest.indexOf(newline)
      line.push(end < 0 ? rest : rest.subarray(0, end))
      if (line.reduce((sum, part) => sum + part.length, 0) > maxHeadBytes) throw noHead()
      if (end < 0) break
      rest = rest.subarray(end + 1)
      const read = readHead(Buffer.concat(line).toString('utf8'))
      line = []
      left = read.size
      yield read
    }
  }
  if (left > 0) throw new WaybillError('PEER_UNREACHABLE', `what was sent broke off ${left} bytes before its end`)
  if (line.length > 0) throw noHead()
}

function noHead(): WaybillError {
  return new WaybillError('BAD_DOCUMENT', `no head line of at most ${maxHeadBytes} bytes`)
}
