import { Worker } from 'node:worker_threads'
import type { Manifest } from '../shared/protocol/manifest.ts'
import { type ErrorCode, WaybillError } from '../shared/service/errors.ts'
import type { Terms } from './about-change.ts'
import type { Content } from './read-batch.ts'

/** A batch to be read. */
export interface Asked {
  manifest: Manifest
  terms: Terms
}

/** What was read of a batch; its changes as `packPlaces` packs them. */
export type Unsealed = Omit<Content<unknown>, 'plain' | 'changes'> & { places: Uint8Array<ArrayBuffer> }

/** What the thread answers, in the order in which it was asked. */
export type Answer = { read: Unsealed; failed?: never } | { read?: never; failed: { code: ErrorCode; message: string } }

/** A batch of 2 MiB of the smallest values there are takes half of this. */
const mostOldMiB = 128
const mostYoungMiB = 2

/** Asked and not answered yet. */
interface Waiting extends PromiseWithResolvers<Unsealed> {
  asked: Asked
}

/**
 * Opens batches in a thread of its own, one after another: what brings them is answered meanwhile. The thread stores nothing. Where a
 * batch ends it, that batch alone fails, and the others are read by a new one (invariant 8).
 */
export class BatchReader {
  readonly #data: string
  readonly #script: URL
  readonly #waiting: Waiting[] = []
  #worker: Worker | undefined

  constructor(data: string, script = new URL('read-worker.ts', import.meta.url)) {
    this.#data = data
    this.#script = script
  }

  /** @throws what readContent throws; UNEXPECTED when reading it ended the thread */
  read(manifest: Manifest, terms: Terms): Promise<Unsealed> {
    const waiting = { asked: { manifest, terms }, ...Promise.withResolvers<Unsealed>() }
    this.#worker ??= this.#start()
    this.#waiting.push(waiting)
    // Only while it reads does it keep the program from ending.
    this.#worker.ref()
    this.#worker.postMessage(waiting.asked)
    return waiting.promise
  }

  /** Ends the thread; call it when nothing is read any more. */
  async close(): Promise<void> {
    await this.#worker?.terminate()
  }

  #start(): Worker {
    const worker = new Worker(this.#script, {
      workerData: { data: this.#data },
      resourceLimits: { maxOldGenerationSizeMb: mostOldMiB, maxYoungGenerationSizeMb: mostYoungMiB },
    })
    let cause: unknown
    worker.on('message', ({ read, failed }: Answer) => {
      const first = this.#waiting.shift()
      if (this.#waiting.length === 0) worker.unref()
      if (failed) first?.reject(new WaybillError(failed.code, failed.message))
      else first?.resolve(read)
    })
    worker.on('error', (error) => {
      cause = error
    })
    worker.on('exit', (code) => this.#ended(cause ?? new Error(`it ended with ${code}`)))
    return worker
  }

  /** What it was reading ended it; what waited behind that is asked again. */
  #ended(cause: unknown): void {
    this.#worker = undefined
    const why = cause instanceof Error ? cause.message : String(cause)
    this.#waiting.shift()?.reject(new WaybillError('UNEXPECTED', `the thread that reads it ended: ${why}`, { cause }))
    if (this.#waiting.length === 0) return
    this.#worker = this.#start()
    for (const { asked } of this.#waiting) this.#worker.postMessage(asked)
  }
}
