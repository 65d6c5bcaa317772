// @ts-check
/** Who is signed in on this page. The bearer is this tab's alone, and goes with it. */

/** @typedef {{ name: string, role: string, rights: string[] }} Me */

/** @type {Me | undefined} */
let me

/** @returns {Me | undefined} */
export function session() {
  return me
}

/** @param {Me} account */
export function keepSession(account) {
  me = account
}

export function forgetSession() {
  me = undefined
  sessionStorage.removeItem('bearer')
}

/** Whether this tab was signed in before it was loaded again. */
export function hasSession() {
  return sessionStorage.getItem('bearer') !== null
}

/** @param {string} right */
export function may(right) {
  return me?.rights.includes(right) ?? false
}
