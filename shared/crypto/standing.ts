import type { Role } from '../protocol/role.ts'
import type { StudyDocument } from '../protocol/study-document.ts'
import { WaybillError } from '../service/errors.ts'

/**
 * Refuses a device that the study document revokes, or whose epoch is below its role's minimum (invariant 7).
 * No clock is asked. @throws REVOKED
 */
export function checkStanding(study: StudyDocument, peer: { device: string; role: Role; epoch: number }): void {
  if (study.revocations.some(({ device }) => device === peer.device))
    throw new WaybillError('REVOKED', `device ${peer.device.slice(0, 8)} was revoked`)
  if (peer.epoch < (study.minimumEpoch[peer.role] ?? 0))
    throw new WaybillError('REVOKED', `the credential of device ${peer.device.slice(0, 8)} is of an older epoch`)
}
