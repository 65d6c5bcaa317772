import { randomBytes } from 'node:crypto'
import { sha256 } from '../shared/crypto/digest.ts'
import { type EnrolCode, writeEnrolCode } from '../shared/protocol/enrol-code.ts'
import type { Role } from '../shared/protocol/role.ts'
import type { StudyDocument } from '../shared/protocol/study-document.ts'
import type { Clock } from '../shared/service/clock.ts'
import { WaybillError } from '../shared/service/errors.ts'
import type { ServerStore } from './open-store.ts'

/** For whom a code is. */
export interface NewDevice {
  role: Role
  name: string
  site: string | null
}

const longestName = 200
const goodForHours = 7 * 24

/**
 * Makes a one-time code for one role and name, good for a week. It pins the study's authority key and tells where the server is; only
 * its digest is kept here.
 * @throws BAD_ARGUMENT when the name is taken or the site unknown
 */
export function createCode(
  store: ServerStore,
  study: StudyDocument,
  device: NewDevice,
  addresses: string[],
  clock: Clock,
): string {
  checkName(study, device)
  const secret = randomBytes(16).toString('base64url')
  const expiresAt = new Date(clock.now().getTime() + goodForHours * 3_600_000).toISOString()
  store.$client
    .prepare('INSERT INTO codes (secret_digest, role, name, site, expires_at) VALUES (?, ?, ?, ?, ?)')
    .run(sha256(secret), device.role, device.name, device.site, expiresAt)
  return writeEnrolCode({ study: study.study, secret, addresses } satisfies EnrolCode)
}

/** Names tell people which laptop is meant: one name, one device, unless the older one was revoked. */
export function checkName(study: StudyDocument, { name, site }: NewDevice, own?: string): void {
  if (name.trim() === '' || name.length > longestName)
    throw new WaybillError('BAD_ARGUMENT', `a name has 1 to ${longestName} characters`)
  const revoked = new Set(study.revocations.map(({ device }) => device))
  const taken = Object.entries(study.devices).some(
    ([id, known]) => known.name === name && id !== own && !revoked.has(id),
  )
  if (taken) throw new WaybillError('BAD_ARGUMENT', `the name ${name} is taken`)
  if (site !== null && study.sites.length > 0 && !study.sites.some(({ id }) => id === site))
    throw new WaybillError('BAD_ARGUMENT', `the site ${site} is not in the study configuration`)
}
