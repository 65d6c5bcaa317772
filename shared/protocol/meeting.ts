import { type Static, Type } from '@sinclair/typebox'
import { Head } from './custody-receipt.ts'
import { Incarnation } from './delivery-receipt.ts'
import { Count, Digest, Jws, Nullable, Time } from './fields.ts'

/**
 * What two peers tell each other first, in both directions alike, over mutual TLS. All that matters in it is signed by
 * whom it concerns; only `at`, `studyVersion`, `head` and `lines` are the speaker's word.
 */
export const Meeting = Type.Object(
  {
    v: Type.Literal(1),
    /** The speaker's raw clock. */
    at: Time,
    studyVersion: Count,
    /** The speaker's study document, when it is newer than the one the other has shown. */
    studyDocument: Nullable(Type.String({ maxLength: 8_388_608 })),
    /** Credentials of the speaker and of all signers named below, and the issuer's. */
    credentials: Type.Array(Jws, { maxItems: 4096 }),
    /** The newest delivery receipts that the speaker knows, of all chains (a field laptop: of its own). */
    deliveries: Type.Array(Jws, { maxItems: 4096 }),
    gaps: Type.Array(Jws, { maxItems: 4096 }),
    /** Custody receipts of the listener's batches that are not delivered yet. */
    custody: Type.Array(Jws, { maxItems: 4096 }),
    /** The newest manifests of the listener's chains that the speaker has: proof for a laptop that was restored. */
    manifests: Type.Array(Jws, { maxItems: 64 }),
    head: Nullable(Head),
    /** In a field laptop's answer, the sha-256 of the open lines as it serves them. */
    lines: Nullable(Digest),
    incarnation: Nullable(Incarnation),
  },
  { additionalProperties: false },
)
export type Meeting = Static<typeof Meeting>
/** The largest meeting body, in bytes. */
export const maxMeetingBytes = 16 * 1024 * 1024
