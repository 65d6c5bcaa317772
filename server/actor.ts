import { userInfo } from 'node:os'

/** Who does something, and in which role. */
export interface Actor {
  who: string
  role: string
}

/** Whoever types commands on this machine: the machine's own account stands for the person. */
export function atTerminal(): Actor {
  return { who: userInfo().username, role: 'terminal' }
}
