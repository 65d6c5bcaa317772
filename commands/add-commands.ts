import type { Command } from 'commander'
import { addBackup } from './backup.ts'
import { addChanges } from './changes.ts'
import { addDaemon } from './daemon.ts'
import { addEnrol } from './enrol.ts'
import { addEnrolCode } from './enrol-code.ts'
import { addPage } from './page.ts'
import { addReceipts } from './receipts.ts'
import { addRecord } from './record.ts'
import { addRelay } from './relay.ts'
import { addRevoke } from './revoke.ts'
import { addServer } from './server.ts'
import { addStatus } from './status.ts'
import { addStudy } from './study.ts'
import { addVerify } from './verify.ts'

/** The commands, in the order in which a study meets them. */
export function addCommands(waybill: Command): void {
  addStudy(waybill)
  addServer(waybill)
  addEnrolCode(waybill)
  addEnrol(waybill)
  addDaemon(waybill)
  addRelay(waybill)
  addRecord(waybill)
  addPage(waybill)
  addStatus(waybill)
  addReceipts(waybill)
  addChanges(waybill)
  addVerify(waybill)
  addBackup(waybill)
  addRevoke(waybill)
}
