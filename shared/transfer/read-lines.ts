import { WaybillError } from '../service/errors.ts'

const newline = 0x0a

/** The lines of a text that comes in pieces, none longer than `most` bytes; the last may lack its end. @throws TOO_LARGE */
export async function* readLines(pieces: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<string> {
  let [parts, size] = [[] as Uint8Array[], 0]
  for await (const piece of pieces) {
    let start = 0
    for (let end = piece.indexOf(newline); end >= 0; end = piece.indexOf(newline, start)) {
      check(size + end - start, most)
      yield Buffer.concat([...parts, piece.subarray(start, end)]).toString('utf8')
      ;[parts, size, start] = [[], 0, end + 1]
    }
    size += piece.length - start
    check(size, most)
    if (start < piece.length) parts.push(piece.subarray(start))
  }
  if (size > 0) yield Buffer.concat(parts).toString('utf8')
}

function check(size: number, most: number): void {
  if (size > most) throw new WaybillError('TOO_LARGE', `a line is longer than ${most} bytes`)
}
