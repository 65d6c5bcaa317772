import type { Static } from '@sinclair/typebox'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { addressOf } from '../../shared/transfer/peer-door.ts'
import { sendLines } from '../../shared/web/send-lines.ts'
import type { Reading } from '../follow-feed.ts'
import { type AppDoor, appDoors } from './app-doors.ts'
import type { ByModel, ByRecord, FeedQuery, ListQuery, RecordView } from './app-schemas.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The name of the token of the app that asks. */
    app: string
  }
}

/** What the doors for apps do. */
export interface AppVerbs {
  /** @returns the token's name. @throws TOKEN_REFUSED, TRY_LATER */
  admit(authorization: string | undefined, address: string): string
  /** @returns what tells that it ended. @throws TRY_LATER */
  beginRead(app: string): () => void
  changes(reading: Reading): AsyncGenerator<unknown>
  states(reading: Reading): AsyncGenerator<unknown>
  records(model: string, afterPk: string, limit: number): AsyncGenerator<unknown>
  record(model: string, pk: string): Promise<Static<typeof RecordView>>
  history(model: string, pk: string): AsyncGenerator<unknown>
  openApi(): Record<string, unknown>
}

const usualLimit = 1000

/** The doors for apps, as PROTOCOL.md lists them. */
export function appRoutes(door: FastifyInstance, verbs: AppVerbs): void {
  const admit = (request: FastifyRequest) => verbs.admit(request.headers.authorization, addressOf(request))
  door.decorateRequest('app', '')
  door.addHook('onRequest', async (request) => {
    request.app = admit(request)
  })
  const lines = (at: AppDoor, read: (request: FastifyRequest, ended: AbortSignal) => AsyncGenerator<unknown>) =>
    door.get(at.path, { schema: schemaOf(at) }, async (request, reply) => {
      const ended = endOf(reply, verbs.beginRead(request.app))
      return sendLines(reply, read(request, ended), () => admit(request))
    })
  lines(appDoors.changes, ({ query }, ended) => verbs.changes(readingOf(query as FeedQuery, ended)))
  lines(appDoors.states, ({ query }, ended) => verbs.states(readingOf(query as FeedQuery, ended)))
  lines(appDoors.records, ({ params, query }) => {
    const { after = '', limit } = query as ListQuery
    return verbs.records((params as ByModel).model, after, Number(limit ?? usualLimit))
  })
  lines(appDoors.history, ({ params }) => {
    const { model, pk } = params as ByRecord
    return verbs.history(model, pk)
  })
  door.get<{ Params: ByRecord }>(appDoors.record.path, { schema: schemaOf(appDoors.record) }, async ({ params }) =>
    verbs.record(params.model, params.pk),
  )
  door.get(appDoors.openapi.path, { schema: schemaOf(appDoors.openapi) }, async () => verbs.openApi())
}

/** Lines are written as they are read. */
function schemaOf({ params, querystring, answer }: AppDoor) {
  return { params, querystring, ...(answer.type === 'application/json' ? { response: { 200: answer.schema } } : {}) }
}

function readingOf({ after = '', limit, wait }: FeedQuery, ended: AbortSignal): Reading {
  return { after, limit: Number(limit ?? usualLimit), waitMs: Number(wait ?? 0) * 1000, ended }
}

/** Told when the answer is sent, or the reader has gone away. */
function endOf(reply: FastifyReply, tell: () => void): AbortSignal {
  const ended = new AbortController()
  reply.raw.once('close', () => {
    ended.abort()
    tell()
  })
  return ended.signal
}
