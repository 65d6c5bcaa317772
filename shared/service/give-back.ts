/**
 * Gives the memory of bytes that nobody needs any more back at once; they are empty then, and so is what shares their buffer. Left to be
 * found, a megabyte a batch has V8 look through a whole heap for every few batches. Small bytes, which share their memory with others,
 * are left alone.
 */
export function giveBack({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength > Buffer.poolSize) buffer.transfer(0)
}
