import type { Command } from 'commander'

/** The commands, in the order in which a study meets them: the word that is typed, and the file that knows it. */
const commands: Record<string, () => Promise<(waybill: Command) => void>> = {
  study: async () => (await import('./study.ts')).addStudy,
  models: async () => (await import('./models.ts')).addModels,
  server: async () => (await import('./server.ts')).addServer,
  'enrol-code': async () => (await import('./enrol-code.ts')).addEnrolCode,
  account: async () => (await import('./account.ts')).addAccountCommands,
  answer: async () => (await import('./answer.ts')).addAnswer,
  enrol: async () => (await import('./enrol.ts')).addEnrol,
  daemon: async () => (await import('./daemon.ts')).addDaemon,
  relay: async () => (await import('./relay.ts')).addRelay,
  outbox: async () => (await import('./outbox.ts')).addOutbox,
  record: async () => (await import('./record.ts')).addRecord,
  page: async () => (await import('./page.ts')).addPage,
  status: async () => (await import('./status.ts')).addStatus,
  receipts: async () => (await import('./receipts.ts')).addReceipts,
  changes: async () => (await import('./changes.ts')).addChanges,
  records: async () => (await import('./records.ts')).addRecords,
  compare: async () => (await import('./compare.ts')).addCompare,
  batches: async () => (await import('./batches.ts')).addBatches,
  quarantine: async () => (await import('./quarantine.ts')).addQuarantine,
  conflicts: async () => (await import('./conflicts.ts')).addConflicts,
  merge: async () => (await import('./merge.ts')).addMerge,
  verify: async () => (await import('./verify.ts')).addVerify,
  backup: async () => (await import('./backup.ts')).addBackup,
  inbox: async () => (await import('./inbox.ts')).addInbox,
  token: async () => (await import('./token.ts')).addToken,
  openapi: async () => (await import('./openapi.ts')).addOpenApi,
  trust: async () => (await import('./trust.ts')).addTrust,
  revoke: async () => (await import('./revoke.ts')).addRevoke,
}

/**
 * Adds the command that was typed, or all of them where none is known by that word. Loading them all takes longer than most of
 * them run.
 */
export async function addCommands(waybill: Command, typed: string | undefined): Promise<void> {
  const known = typed !== undefined && Object.hasOwn(commands, typed) ? commands[typed] : undefined
  for (const load of known ? [known] : Object.values(commands)) (await load())(waybill)
}
