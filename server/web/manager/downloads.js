// @ts-check
/** Tables as files. They come over the page's own session, so that no address holds anything secret. */

import { Refused } from '/ask.js'
import { el } from '/elements.js'
import { say } from '/words.js'
import { button } from './forms.js'

/** @param {string} table @param {Record<string, string>} [query] */
export function downloads(table, query = {}) {
  const asked = new URLSearchParams(query).toString()
  const buttons = ['csv', 'json'].map((form) =>
    button('download', say(`download.${form}`), {
      'data-table': table,
      'data-form': form,
      'data-query': asked,
      class: 'quiet',
    }),
  )
  return el('p', { class: 'tools', 'data-key': `download ${table}` }, ...buttons)
}

/** Fetches what a button names and gives it to the browser as a file. @param {{ target: HTMLElement }} page */
export async function download({ target }) {
  const { table, form, query } = target.dataset
  const authorization = `Bearer ${sessionStorage.getItem('bearer')}`
  const path = `/v1/manager/tables/${table}.${form}${query ? `?${query}` : ''}`
  const answer = await fetch(path, { headers: { authorization } }).catch(() => undefined)
  if (!answer?.ok)
    throw new Refused((await answer?.json().catch(() => undefined)) ?? { code: 'NOT_RUNNING', message: '' })
  const address = URL.createObjectURL(await answer.blob())
  const link = el('a', { href: address, download: `${table}.${form}` })
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 60_000)
  return { told: say('download.done', { name: `${table}.${form}` }), stay: true }
}
