import type { TSchema } from '@sinclair/typebox'
import { Credential } from './credential.ts'
import { CustodyReceipt } from './custody-receipt.ts'
import { DeliveryReceipt } from './delivery-receipt.ts'
import { GapNotice } from './gap-notice.ts'
import { Handover, HandoverReceipt, HandoverSignature } from './handover.ts'
import { Manifest } from './manifest.ts'
import type { Role } from './role.ts'
import { StudyDocument } from './study-document.ts'

/** Every kind of signed document: its `typ`, its schema, the roles that may sign it, its largest size in bytes. */
export const documentKinds = {
  credential: { typ: 'waybill-credential', schema: Credential, signers: ['issuer'], maxBytes: 4096 },
  custody: { typ: 'waybill-custody', schema: CustodyReceipt, signers: ['relay', 'server', 'central'], maxBytes: 4096 },
  delivery: { typ: 'waybill-delivery', schema: DeliveryReceipt, signers: ['server', 'central'], maxBytes: 65_536 },
  gaps: { typ: 'waybill-gaps', schema: GapNotice, signers: ['server', 'central'], maxBytes: 65_536 },
  handover: { typ: 'waybill-handover', schema: Handover, signers: ['field', 'relay'], maxBytes: 1_048_576 },
  handoverReceipt: {
    ...{ typ: 'waybill-handover-receipt', schema: HandoverReceipt },
    ...{ signers: ['server', 'central'], maxBytes: 65_536 },
  },
  manifest: { typ: 'waybill-manifest', schema: Manifest, signers: ['field', 'server'], maxBytes: 131_072 },
  signature: {
    ...{ typ: 'waybill-signature', schema: HandoverSignature },
    ...{ signers: ['field', 'relay'], maxBytes: 65_536 },
  },
  study: { typ: 'waybill-study', schema: StudyDocument, signers: ['issuer'], maxBytes: 8_388_608 },
} as const satisfies Record<string, { typ: string; schema: TSchema; signers: readonly Role[]; maxBytes: number }>

export type DocumentKind = keyof typeof documentKinds
