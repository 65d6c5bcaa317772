import { WaybillError } from '../shared/service/errors.ts'
import type { Account, AccountRole } from './accounts.ts'

/**
 * What a door of the page needs. `counts`: the board, reports and their tables; no clinical value. `aside`: what waits, is held or set aside,
 * with its model, pk and reason. `records`: decrypted records. `decide`: what only the data manager does.
 */
export type Right = 'counts' | 'aside' | 'records' | 'decide'

const rights: Record<AccountRole, readonly Right[]> = {
  manager: ['counts', 'aside', 'records', 'decide'],
  lab: ['counts', 'aside'],
  reader: ['counts'],
}

/** All that this account may do. */
export function rightsOf({ role, views }: Pick<Account, 'role' | 'views'>): Right[] {
  const all = rights[role]
  return views && !all.includes('records') ? [...all, 'records'] : [...all]
}

/** @throws NOT_ALLOWED */
export function requireRight(account: Account, right: Right): void {
  if (!rightsOf(account).includes(right))
    throw new WaybillError('NOT_ALLOWED', `the account ${account.name} may not do this`)
}
