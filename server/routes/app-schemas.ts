import { type Static, Type } from '@sinclair/typebox'
import { Change } from '../../shared/protocol/change.ts'
import { DeviceId, Digest, Label, Nonce, Nullable, Seq, Time } from '../../shared/protocol/fields.ts'
import { errorCodes } from '../../shared/service/errors.ts'

const strict = { additionalProperties: false }
const Fields = Type.Record(Type.String(), Type.Unknown())
const Key = Type.Array(Type.Unknown(), { maxItems: 32 })

/** A place in a feed, as the server spells it. */
const Cursor = Type.String({ maxLength: 80, pattern: '^\\d{1,15}-[0-9a-f]{8}\\.\\d{1,15}$' })
/** A number in an address is text: it is checked and not converted by any other rule (house rule 9). */
const Digits = (most: string) => Type.String({ pattern: most })

/** What a reader asks of a feed. */
export const FeedQuery = Type.Object(
  {
    after: Type.Optional({
      ...Cursor,
      description: 'the cursor of the last entry that was read; the beginning unless told',
    }),
    limit: Type.Optional({
      ...Digits('^([1-9]\\d{0,3}|10000)$'),
      description: 'at most so many entries: 1 to 10000; 1000 unless told',
    }),
    wait: Type.Optional({
      ...Digits('^([1-5]?\\d|60)$'),
      description: 'where there is nothing yet, wait for it for so many seconds: 0 to 60; 0 unless told',
    }),
  },
  strict,
)
export type FeedQuery = Static<typeof FeedQuery>

/** What a reader asks of the records of a model. */
export const ListQuery = Type.Object(
  {
    after: Type.Optional({ ...Label, description: 'the pk of the last record that was read' }),
    limit: FeedQuery.properties.limit,
  },
  strict,
)
export type ListQuery = Static<typeof ListQuery>

export const ByModel = Type.Object({ model: Change.properties.model }, strict)
export type ByModel = Static<typeof ByModel>
export const ByRecord = Type.Object({ model: Change.properties.model, pk: Label }, strict)
export type ByRecord = Static<typeof ByRecord>

/** One opened change, as its laptop made it. */
export const ChangeEntry = Type.Object({ change: Change, producer: DeviceId, batch: Digest, cursor: Cursor }, strict)

/** What one record shows since this place. */
export const StateEntry = Type.Object(
  {
    cursor: Cursor,
    model: Label,
    pk: Label,
    state: Type.Union([Type.Literal('present'), Type.Literal('deleted'), Type.Literal('merged')]),
    into: Nullable(Label),
    naturalKey: Key,
    fields: Fields,
    change: Nullable(Label),
    digest: Nullable(Digest),
    producer: Nullable(DeviceId),
    batch: Nullable(Digest),
    user: Nullable(Type.String()),
    recordedAt: Nullable(Time),
    conflict: Type.Boolean(),
  },
  strict,
)

/** A record as it is now. */
export const RecordView = Type.Object(
  {
    model: Label,
    pk: Label,
    state: Type.Union([Type.Literal('present'), Type.Literal('deleted')]),
    naturalKey: Key,
    fields: Fields,
    change: Label,
    digest: Digest,
    producer: DeviceId,
    batch: Digest,
    user: Type.String(),
    recordedAt: Time,
    conflict: Type.Boolean(),
    pks: Type.Array(Label),
  },
  strict,
)

/** One change that ever arrived of a record. */
export const HistoryEntry = Type.Object(
  {
    change: Change,
    digest: Digest,
    producer: DeviceId,
    chain: Nonce,
    seq: Seq,
    batch: Digest,
    ingestedAt: Time,
    state: Type.Union(
      (['opened', 'applied', 'waiting', 'held', 'quarantined', 'discarded'] as const).map((state) =>
        Type.Literal(state),
      ),
    ),
    code: Nullable(Type.String()),
    message: Nullable(Type.String()),
    isHead: Type.Boolean(),
    isShown: Type.Boolean(),
  },
  strict,
)

/** Every refusal, with the status of its code. */
export const Refusal = Type.Object(
  {
    code: Type.Union(Object.keys(errorCodes).map((code) => Type.Literal(code))),
    message: Type.String(),
    hint: Type.String(),
  },
  strict,
)
