// @ts-check
/** Follows the server live. */

/**
 * Gives picture after picture until the connection ends.
 * @param {string} bearer
 * @param {(picture: { state: any, at: string }) => void} take
 * @returns {Promise<boolean>} whether the session is still good, as far as is known
 */
export async function follow(bearer, take) {
  try {
    const answer = await fetch('/v1/manager/live', { headers: { authorization: `Bearer ${bearer}` } })
    if (answer.status === 401) return false
    const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body)
      .pipeThrough(new TextDecoderStream())
      .getReader()
    let text = ''
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return true
      const events = (text + value).split('\n\n')
      text = events.pop() ?? ''
      for (const event of events) take(JSON.parse(event.slice('data: '.length)))
    }
  } catch (error) {
    console.warn(error)
    return true
  }
}
