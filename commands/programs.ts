import type { Role } from '../shared/protocol/role.ts'

/** Which program runs a device of this role. */
export const programs = {
  field: 'daemon',
  relay: 'relay',
  server: 'server',
  central: 'server',
  issuer: 'server',
} as const satisfies Record<Role, string>
