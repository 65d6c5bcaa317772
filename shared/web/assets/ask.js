// @ts-check
/** Asks the program that the page belongs to. */

/** What the program, or the want of one, answered instead. */
export class Refused extends Error {
  /** @param {{ code: string, message: string, hint?: string }} told */
  constructor({ code, message, hint }) {
    super(message)
    this.code = code
    this.hint = hint
  }
}

/**
 * The program's answer. A program that does not answer is told as NOT_RUNNING.
 * @param {'GET' | 'POST'} method
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<any>}
 */
export async function ask(method, path, body) {
  const authorization = `Bearer ${sessionStorage.getItem('bearer')}`
  const sent = body && { headers: { authorization, 'content-type': 'application/json' }, body: JSON.stringify(body) }
  const answer = await fetch(path, { method, headers: { authorization }, ...sent }).catch(() => undefined)
  const told = await answer?.json().catch(() => undefined)
  if (answer?.ok && told !== undefined) return told
  throw new Refused(told ?? { code: 'NOT_RUNNING', message: '' })
}
