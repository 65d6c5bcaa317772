import { setTimeout as pause } from 'node:timers/promises'
import { waybill } from './waybill.ts'

const deadlineMs = 20_000
const everyMs = 200

/** A person at a program's page: what the page would ask, over HTTP, with the page's own bearer. */
export class Person {
  readonly #origin: string
  readonly #bearer: string

  private constructor(origin: string, bearer: string) {
    this.#origin = origin
    this.#bearer = bearer
  }

  /** Opens the page of the program that runs on this data directory, as soon as it does. */
  static async at(data: string): Promise<Person> {
    const launch = await launchOf(data)
    const headers = { origin: launch.origin, 'content-type': 'application/json' }
    const body = JSON.stringify({ launch: launch.hash.replace('#launch=', '') })
    const session = await fetch(`${launch.origin}/v1/session`, { method: 'POST', headers, body })
    const { bearer } = (await session.json()) as { bearer: string }
    return new Person(launch.origin, bearer)
  }

  get<T>(path: string): Promise<T> {
    return this.#ask(path, { method: 'GET' })
  }

  post<T>(path: string, body: object): Promise<T> {
    return this.#ask(path, { method: 'POST', body: JSON.stringify(body) })
  }

  /** @throws Error with what the program said */
  async #ask<T>(path: string, asked: { method: string; body?: string }): Promise<T> {
    const headers = {
      ...{ origin: this.#origin, authorization: `Bearer ${this.#bearer}` },
      ...(asked.body === undefined ? {} : { 'content-type': 'application/json' }),
    }
    const answer = await fetch(`${this.#origin}${path}`, { ...asked, headers })
    const told = await answer.json()
    if (!answer.ok) throw new Error(`${path}: ${(told as { message?: string }).message}`)
    return told as T
  }
}

async function launchOf(data: string): Promise<URL> {
  for (const end = performance.now() + deadlineMs; ; await pause(everyMs)) {
    try {
      return new URL(JSON.parse(await waybill(['page', '--json', '--data', data])).address)
    } catch (error) {
      if (performance.now() > end) throw error
    }
  }
}
