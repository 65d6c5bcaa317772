import { once } from 'node:events'
import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import type { Clock } from '../service/clock.ts'

/** What a page shows, and how it learns that it changed. */
export interface LiveSource {
  snapshot(): unknown
  /** Calls the listener after each change; returns what ends that. */
  onChange(listener: () => void): () => void
}

/** At most four pictures a second; one at least every five seconds, so that a page knows when the program is gone. */
const coalesceMs = 250
const heartbeatMs = 5_000

/** `GET /v1/live`: server-sent events, each the whole state. A slow page gets fewer pictures, never a growing queue. */
export function serveLive(door: FastifyInstance, source: LiveSource, clock: Clock): void {
  door.get('/v1/live', async (request, reply) => {
    const ended = new AbortController()
    request.raw.once('close', () => ended.abort())
    return reply.type('text/event-stream').send(Readable.from(pictures(source, clock, ended.signal)))
  })
}

async function* pictures(source: LiveSource, clock: Clock, ended: AbortSignal): AsyncGenerator<string> {
  while (!ended.aborted) {
    yield `data: ${JSON.stringify({ at: clock.now().toISOString(), state: source.snapshot() })}\n\n`
    await pause(coalesceMs, ended)
    await changeOrHeartbeat(source, ended)
  }
}

async function changeOrHeartbeat(source: LiveSource, ended: AbortSignal): Promise<void> {
  let stop = () => {}
  const changed = new Promise<void>((resolve) => {
    stop = source.onChange(resolve)
  })
  await Promise.race([changed, pause(heartbeatMs, ended)])
  stop()
}

async function pause(ms: number, ended: AbortSignal): Promise<void> {
  if (ended.aborted) return
  const timeout = AbortSignal.timeout(ms)
  await once(AbortSignal.any([ended, timeout]), 'abort')
}
