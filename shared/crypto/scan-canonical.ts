/** What the scan answers where it cannot see that a text is canonical: that says nothing. */
export const unseen = -1

const deepest = 32
const longestName = 200
const [quote, backslash, comma, colon, minus, dot, zero, nine] = [0x22, 0x5c, 0x2c, 0x3a, 0x2d, 0x2e, 0x30, 0x39]
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d]
const [firstPrintable, firstBeyondAscii] = [0x20, 0x80]
const words = { t: Buffer.from('true'), f: Buffer.from('false'), n: Buffer.from('null') }
/** The escapes of RFC 8785, section 3.2.2.2: short where JSON has a short one. */
const shortEscapes = new Set(Buffer.from('"\\bfnrt'))
const longEscape = /^u00(?:0[0-7bef]|1[0-9a-f])/
/** Decimal digits that a double always holds (IEEE 754): what has no more is written again as it was read. */
const heldDigits = 15
/** ECMAScript writes what has more zeros behind the point with an exponent. */
const mostLeadingZeros = 5

/**
 * The end of the value that begins at `at`, if it is in RFC 8785 form, found in one pass over its bytes and without making it; -1 where that
 * cannot be seen at sight: it may be canonical all the same, where names have other characters than ASCII, are longer than 200, or it nests
 * deeper than 32. That the bytes are UTF-8 is for the caller to know.
 */
export function scanValue(bytes: Uint8Array, at: number, depth = 0): number {
  switch (bytes[at]) {
    case quote:
      return scanText(bytes, at)
    case openBrace:
      return depth === deepest ? unseen : scanObject(bytes, at, depth)
    case openBracket:
      return depth === deepest ? unseen : scanArray(bytes, at, depth)
    case words.t[0]:
      return scanWord(bytes, at, words.t)
    case words.f[0]:
      return scanWord(bytes, at, words.f)
    case words.n[0]:
      return scanWord(bytes, at, words.n)
    default:
      return scanNumber(bytes, at)
  }
}

/** As `scanValue`, for an object. @param members takes where each value begins and ends */
export function scanObject(bytes: Uint8Array, start: number, depth: number, members?: number[]): number {
  if (bytes[start] !== openBrace) return unseen
  let at = start + 1
  if (bytes[at] === closeBrace) return at + 1
  for (let before = 0; ; at++) {
    const value = scanName(bytes, at, before)
    if (value === unseen) return unseen
    before = at
    at = scanValue(bytes, value, depth + 1)
    if (at === unseen) return unseen
    members?.push(value, at)
    if (bytes[at] === closeBrace) return at + 1
    if (bytes[at] !== comma) return unseen
  }
}

function scanArray(bytes: Uint8Array, start: number, depth: number): number {
  let at = start + 1
  if (bytes[at] === closeBracket) return at + 1
  for (; ; at++) {
    at = scanValue(bytes, at, depth + 1)
    if (at === unseen) return unseen
    if (bytes[at] === closeBracket) return at + 1
    if (bytes[at] !== comma) return unseen
  }
}

/** @param before where the name before it begins, which must sort before it; 0 where it is the first @returns where its value begins */
function scanName(bytes: Uint8Array, start: number, before: number): number {
  if (bytes[start] !== quote) return unseen
  let at = start + 1
  for (; bytes[at] !== quote; at++) {
    const byte = bytes[at] ?? 0
    if (byte < firstPrintable || byte >= firstBeyondAscii || byte === backslash) return unseen
  }
  if (at - start > longestName || bytes[at + 1] !== colon) return unseen
  return before === 0 || isInOrder(bytes, before + 1, start + 1) ? at + 2 : unseen
}

function isInOrder(bytes: Uint8Array, before: number, after: number): boolean {
  let offset = 0
  while (bytes[before + offset] === bytes[after + offset] && bytes[before + offset] !== quote) offset++
  const [first = 0, second = 0] = [bytes[before + offset], bytes[after + offset]]
  // The one that ends first comes first, and none comes twice.
  return second !== quote && (first === quote || first < second)
}

function scanText(bytes: Uint8Array, start: number): number {
  for (let at = start + 1; ; at++) {
    const byte = bytes[at] ?? 0
    if (byte === quote) return at + 1
    if (byte < firstPrintable) return unseen
    if (byte !== backslash) continue
    at = scanEscape(bytes, at + 1)
    if (at === unseen) return unseen
  }
}

/** @returns the last byte of it */
function scanEscape(bytes: Uint8Array, at: number): number {
  if (shortEscapes.has(bytes[at] ?? 0)) return at
  return longEscape.test(String.fromCharCode(...bytes.subarray(at, at + 5))) ? at + 4 : unseen
}

function scanWord(bytes: Uint8Array, start: number, word: Uint8Array): number {
  for (let offset = 1; offset < word.length; offset++) if (bytes[start + offset] !== word[offset]) return unseen
  return start + word.length
}

function scanNumber(bytes: Uint8Array, start: number): number {
  const whole = bytes[start] === minus ? start + 1 : start
  const point = endOfDigits(bytes, whole)
  const end = bytes[point] === dot ? endOfDigits(bytes, point + 1) : point
  return isPlain(bytes, whole, point, end) ? end : scanOtherNumber(bytes, start)
}

/** Digits, and behind a point some more, in the only way to write them: none to spare, neither before nor behind. */
function isPlain(bytes: Uint8Array, whole: number, point: number, end: number): boolean {
  if (point === whole || end - whole > heldDigits) return false
  const next = bytes[end]
  if (next === 0x65 || next === 0x45) return false
  const isSmall = bytes[whole] === zero
  if (isSmall && point > whole + 1) return false
  if (end === point) return !isSmall || bytes[whole - 1] !== minus
  if (bytes[end - 1] === zero || bytes[end - 1] === dot) return false
  return !isSmall || leadingZeros(bytes, point + 1) <= mostLeadingZeros
}

function leadingZeros(bytes: Uint8Array, start: number): number {
  let at = start
  while (bytes[at] === zero) at++
  return at - start
}

function endOfDigits(bytes: Uint8Array, start: number): number {
  let at = start
  for (let byte = bytes[at] ?? 0; byte >= zero && byte <= nine; byte = bytes[at] ?? 0) at++
  return at
}

const longestNumber = 32
const numberBytes = /^[-+.eE0-9]+/

/** V8 writes numbers as RFC 8785 does. */
function scanOtherNumber(bytes: Uint8Array, start: number): number {
  const [text] = numberBytes.exec(String.fromCharCode(...bytes.subarray(start, start + longestNumber))) ?? []
  return text !== undefined && String(Number(text)) === text ? start + text.length : unseen
}
