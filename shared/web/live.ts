import { Readable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../service/clock.ts'

/** What a page shows, and how it learns that it changed. */
export interface LiveSource {
  /** What is shown; undefined ends it. */
  snapshot(): unknown
  /** Calls the listener after each change; returns what ends that. */
  onChange(listener: () => void): () => void
}

/** At most four pictures a second; one at least every five seconds, so that a page knows when the program is gone. */
const coalesceMs = 250
const heartbeatMs = 5_000

/** `GET /v1/live`: server-sent events, each the whole state. A slow page gets fewer pictures, never a growing queue. */
export function serveLive(door: FastifyInstance, source: LiveSource, clock: Clock): void {
  door.get('/v1/live', async (request, reply) => sendLive(request, reply, source, clock))
}

/** Answers with pictures until the page goes, or there is none: who may not see any more is told nothing more. */
export function sendLive(request: FastifyRequest, reply: FastifyReply, source: LiveSource, clock: Clock): FastifyReply {
  const ended = new AbortController()
  request.raw.once('close', () => ended.abort())
  return reply.type('text/event-stream').send(Readable.from(pictures(source, clock, ended.signal)))
}

async function* pictures(source: LiveSource, clock: Clock, ended: AbortSignal): AsyncGenerator<string> {
  let isNews = false
  let wake = () => {}
  // From before the first picture on: what changes while a picture is on its way, or in the pause after it, counts too.
  const stop = source.onChange(() => {
    isNews = true
    wake()
  })
  ended.addEventListener('abort', () => wake())
  try {
    while (!ended.aborted) {
      isNews = false
      const state = source.snapshot()
      if (state === undefined) return
      yield `data: ${JSON.stringify({ at: clock.now().toISOString(), state })}\n\n`
      await pause(coalesceMs, ended)
      const waiting = new AbortController()
      wake = () => waiting.abort()
      if (!isNews && !ended.aborted) await pause(heartbeatMs, waiting.signal)
    }
  } finally {
    stop()
  }
}

/** Ends early, and quietly, when the signal says so. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal, ref: false }).catch(() => undefined)
}
