import { setPassword } from '../accounts.ts'
import { appendAct } from '../acts.ts'
import type { ServerContext } from '../app.ts'
import type { PeopleSessions } from '../people-sessions.ts'
import type { SessionVerbs } from '../routes/people-session-routes.ts'
import { SignIn } from '../sign-in.ts'

/** Signing in and out of the page. */
export function sessionVerbs({ store, clock }: ServerContext, sessions: PeopleSessions): SessionVerbs {
  const signIn = new SignIn(store, clock)
  return {
    signIn: async (name, password, address) => {
      const account = await signIn.check(name, password, address)
      return { bearer: sessions.open(name), account }
    },
    signOut: ({ name, role }, authorization) => {
      appendAct(store, { who: name, role }, { act: 'signOut', about: `account ${name}` }, clock.now())
      sessions.close(authorization)
    },
    changePassword: async ({ name, role }, { old, next }, { address, authorization }) => {
      await signIn.check(name, old, address)
      await setPassword(store, { who: name, role }, name, next, clock)
      sessions.renew(authorization)
    },
  }
}
