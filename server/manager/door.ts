import type { FastifyInstance } from 'fastify'
import { type LiveSource, sendLive } from '../../shared/web/live.ts'
import { managerWords, type Words } from '../../shared/web/manager-words.ts'
import { appendAct } from '../acts.ts'
import type { ServerContext } from '../app.ts'
import { PeopleSessions } from '../people-sessions.ts'
import { batchRoutes } from '../routes/batch-routes.ts'
import { boardRoutes } from '../routes/board-routes.ts'
import { decisionRoutes } from '../routes/decision-routes.ts'
import { peopleSessionRoutes } from '../routes/people-session-routes.ts'
import { recordRoutes } from '../routes/record-routes.ts'
import { studyRoutes } from '../routes/study-routes.ts'
import { tableRoutes } from '../routes/table-routes.ts'
import { admitPeople } from './admit.ts'
import { batchVerbs } from './batch-verbs.ts'
import { boardPicture, boardVerbs } from './board-verbs.ts'
import { countTables } from './count-tables.ts'
import { decisionVerbs } from './decision-verbs.ts'
import { recordTables } from './record-tables.ts'
import { recordVerbs } from './record-verbs.ts'
import { servePage } from './serve-page.ts'
import { sessionVerbs } from './session-verbs.ts'
import { actorOf, studyVerbs } from './study-verbs.ts'

/** What the page's door needs to know besides. */
export interface ManagerDoor {
  /** The certificate that the HTTPS door shows now: it names the names of this server. */
  certificate: () => string
  words?: Words
  /** A person has decided: there is something to open. */
  decided: () => void
}

/** The data manager's page, in a scope of the HTTPS door: signing in, and all that a person may do, each door by the account's rights. */
export function mountManager(door: FastifyInstance, context: ServerContext, page: ManagerDoor): void {
  const sessions = new PeopleSessions(context.store, context.clock)
  door.register(async (scope) => {
    admitPeople(scope, sessions, page.certificate)
    servePage(scope, page.words ?? managerWords)
    peopleSessionRoutes(scope, sessionVerbs(context, sessions))
    boardRoutes(scope, boardVerbs(context))
    studyRoutes(scope, studyVerbs(context))
    recordRoutes(scope, recordVerbs(context))
    decisionRoutes(scope, decisionVerbs(context, page.decided))
    batchRoutes(scope, batchVerbs(context, page.decided))
    tableRoutes(scope, [...countTables(context), ...recordTables(context)], (account, about, query) =>
      appendAct(context.store, actorOf(account), { act: 'download', about, new: query }, context.clock.now()),
    )
    serveLive(scope, context, sessions)
  })
}

/** Pictures until the session ends: who may not see any more is told nothing more. */
function serveLive(scope: FastifyInstance, context: ServerContext, sessions: PeopleSessions): void {
  let change = 0
  context.changes.onChange(() => {
    change += 1
  })
  scope.get('/v1/manager/live', { config: { right: 'counts', byItself: true } }, async (request, reply) => {
    const source: LiveSource = {
      snapshot: () => (sessions.find(request.headers.authorization) ? { ...boardPicture(context), change } : undefined),
      onChange: (listener) => context.changes.onChange(listener),
    }
    return sendLive(request, reply, source, context.clock)
  })
}
