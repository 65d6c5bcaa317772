import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Program } from './program.ts'
import { Watch } from './watch.ts'

/** A field laptop's real program, and what its app does. */
export class FieldLaptop extends Program {
  readonly name: string
  readonly data: string

  constructor(name: string, data: string) {
    super('daemon', data, ['--no-push', '--announce-on', '127.0.0.1'])
    this.name = name
    this.data = data
  }

  /** Records changes through the local API. @returns when all are on disk */
  async record(file: string): Promise<void> {
    const token = readFileSync(join(this.data, 'api-token'), 'utf8')
    const headers = { 'content-type': 'application/x-ndjson', authorization: `Bearer ${token}` }
    const address = `http://127.0.0.1:${this.portOf('apiPort')}/v1/changes`
    const answer = await fetch(address, { method: 'POST', headers, body: readFileSync(file) })
    if (!answer.ok) throw new Error(`${this.name}: ${await answer.text()}`)
  }

  /** Resolves when there are that many batches. */
  async sealed(batches: number): Promise<void> {
    const watch = new Watch(this.data)
    await watch.until('SELECT count(*) FROM batches', batches)
    watch.close()
  }
}
