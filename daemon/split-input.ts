import { maxChangeBytes } from '../shared/protocol/change.ts'

/** One change as it was given: a line of NDJSON or an object of a JSON array; `number` counts from 1. Null is too large. */
export interface Piece {
  number: number
  text: Buffer | null
}

const [newline, quote, backslash, comma] = [0x0a, 0x22, 0x5c, 0x2c]
const [openBrace, closeBrace, openArray, closeArray] = [0x7b, 0x7d, 0x5b, 0x5d]
/** Windows writes it before the text. */
const byteOrderMark = [0xef, 0xbb, 0xbf]

/**
 * Splits what an app gives into changes, without reading values: NDJSON by line, or the objects of JSON arrays, as Django's
 * `dumpdata` writes them; lines may follow an array. Memory is bounded by the largest change allowed, whatever comes
 * (invariant 10).
 */
export async function* splitInput(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Piece> {
  let splitter: LineSplitter | ArraySplitter | undefined
  let blankLines = 0
  for await (const bytes of chunks) {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    if (splitter) {
      yield* splitter.split(chunk)
      continue
    }
    const first = chunk.findIndex((byte) => byte > 0x20 && !byteOrderMark.includes(byte))
    blankLines += chunk.subarray(0, first < 0 ? chunk.length : first).filter((byte) => byte === newline).length
    if (first < 0) continue
    splitter = chunk[first] === openArray ? new ArraySplitter() : new LineSplitter(new Piecewise(blankLines))
    yield* splitter.split(chunk.subarray(first))
  }
  if (splitter) yield* splitter.end()
}

/** Collects the bytes of one change, and forgets them when they are too many. */
class Piecewise {
  #number: number
  #parts: Buffer[] = []
  #size = 0

  /** @param before how many pieces came before the first */
  constructor(before: number) {
    this.#number = before
  }

  take(part: Buffer): void {
    this.#size += part.length
    if (this.#size > maxChangeBytes) this.#parts = []
    // What is kept must not pin the whole chunk.
    else if (part.length > 0) this.#parts.push(Buffer.from(part))
  }

  finish(): Piece {
    this.#number += 1
    const text = this.#size > maxChangeBytes ? null : Buffer.concat(this.#parts)
    this.#parts = []
    this.#size = 0
    return { number: this.#number, text }
  }

  get isEmpty(): boolean {
    return this.#size === 0
  }
}

class LineSplitter {
  readonly #piece: Piecewise

  constructor(piece: Piecewise) {
    this.#piece = piece
  }

  *split(chunk: Buffer): Generator<Piece> {
    let from = 0
    for (let to = chunk.indexOf(newline); to >= 0; to = chunk.indexOf(newline, from)) {
      this.#piece.take(chunk.subarray(from, to))
      yield this.#piece.finish()
      from = to + 1
    }
    this.#piece.take(chunk.subarray(from))
  }

  *end(): Generator<Piece> {
    if (!this.#piece.isEmpty) yield this.#piece.finish()
  }
}

class ArraySplitter {
  readonly #piece = new Piecewise(0)
  #depth = 0
  #inText = false
  #isEscaped = false
  /** What follows the array and is none. */
  #lines: LineSplitter | undefined;

  *split(chunk: Buffer): Generator<Piece> {
    if (this.#lines) return yield* this.#lines.split(chunk)
    let from = 0
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0
      if (this.#isOutside(byte)) {
        this.#lines = new LineSplitter(this.#piece)
        return yield* this.#lines.split(chunk.subarray(at))
      }
      const [before, after] = [this.#depth, this.#step(byte)]
      const ends = before === 1 && (after === 0 || (byte === comma && !this.#inText))
      if (ends) {
        this.#piece.take(chunk.subarray(from, at))
        yield this.#piece.finish()
      }
      if (ends || (before === 0 && after === 1)) from = at + 1
    }
    if (this.#depth > 0) this.#piece.take(chunk.subarray(from))
  }

  /** An array that breaks off is refused where it does; what came before it was whole. */
  *end(): Generator<Piece> {
    if (this.#lines) yield* this.#lines.end()
    else if (this.#depth > 0) yield { ...this.#piece.finish(), text: Buffer.from('[') }
  }

  /** Nothing that is given may vanish: from the first byte after an array that begins no other, it is taken by lines. */
  #isOutside(byte: number): boolean {
    return this.#depth === 0 && byte !== openArray && byte > 0x20
  }

  /** @returns the depth after this byte */
  #step(byte: number): number {
    if (this.#isEscaped) this.#isEscaped = false
    else if (byte === backslash) this.#isEscaped = this.#inText
    else if (byte === quote) this.#inText = !this.#inText
    else if (!this.#inText && (byte === openBrace || byte === openArray)) this.#depth += 1
    else if (!this.#inText && (byte === closeBrace || byte === closeArray)) this.#depth -= 1
    return this.#depth
  }
}
