import { type TObject, type TSchema, Type } from '@sinclair/typebox'
import {
  ByModel,
  ByRecord,
  ChangeEntry,
  FeedQuery,
  HistoryEntry,
  ListQuery,
  RecordView,
  StateEntry,
} from './app-schemas.ts'

/** One door for apps: where it is, what it takes, and what it answers. The routes and the OpenAPI document are both made of it. */
export interface AppDoor {
  path: string
  summary: string
  params: TObject
  querystring: TObject
  /** A JSON object, or lines of NDJSON. */
  answer: { type: 'application/json' | 'application/x-ndjson'; schema: TSchema; what: string }
}

const nothing = Type.Object({}, { additionalProperties: false })
const lines = 'application/x-ndjson'
const json = 'application/json'

/** All of them. None changes anything. */
export const appDoors = {
  changes: {
    path: '/v1/changes',
    summary: 'Every change that was opened, each once, in the order in which it was opened, as its laptop made it.',
    params: nothing,
    querystring: FeedQuery,
    answer: { type: lines, schema: ChangeEntry, what: 'One change a line. Go on after the cursor of the last one.' },
  },
  states: {
    path: '/v1/states',
    summary: 'What the records show: an entry each time that one has changed, parents before children.',
    params: nothing,
    querystring: FeedQuery,
    answer: { type: lines, schema: StateEntry, what: 'One state a line. Go on after the cursor of the last one.' },
  },
  records: {
    path: '/v1/records/:model',
    summary:
      'The records of a model as they are now, in an order that stays; of merged ones the one that stands for all.',
    params: ByModel,
    querystring: ListQuery,
    answer: { type: lines, schema: RecordView, what: 'One record a line. Go on after the pk of the last one.' },
  },
  record: {
    path: '/v1/records/:model/:pk',
    summary: 'One record as it is now; a pk that was merged answers with the record that stands for it.',
    params: ByRecord,
    querystring: nothing,
    answer: { type: json, schema: RecordView, what: 'The record.' },
  },
  history: {
    path: '/v1/records/:model/:pk/history',
    summary: 'Every change of a record that ever arrived, applied or not.',
    params: ByRecord,
    querystring: nothing,
    answer: { type: lines, schema: HistoryEntry, what: 'One change a line.' },
  },
  openapi: {
    path: '/v1/openapi.json',
    summary: 'This document.',
    params: nothing,
    querystring: nothing,
    answer: { type: json, schema: Type.Object({}, { additionalProperties: true }), what: 'OpenAPI 3.1.' },
  },
} as const satisfies Record<string, AppDoor>
