import type { FastifyInstance } from 'fastify'
import { onlyRoles } from '../shared/crypto/mutual-tls.ts'
import { checkStanding } from '../shared/crypto/standing.ts'
import type { HandoverDesk } from '../shared/handover/desk.ts'
import { createPeerDoor } from '../shared/transfer/peer-door.ts'
import type { Changes } from '../shared/web/changes.ts'
import { createPageDoor } from '../shared/web/page-door.ts'
import { findLines, tubesInHand } from './find-lines.ts'
import type { Hold } from './open-store.ts'
import type { Peers } from './peers.ts'
import { knockRoute } from './routes/knock-route.ts'
import { lineRoutes } from './routes/line-routes.ts'
import { relayStatus } from './status.ts'

/** The door on which field laptops knock (mutual TLS). It never listens. */
export function createKnockDoor(hold: Hold, peers: Peers): FastifyInstance {
  const field = onlyRoles('field')
  const door = createPeerDoor(
    hold.identity,
    (peer) => {
      field(peer)
      checkStanding(hold.shelf.document, peer)
    },
    hold.logger,
  )
  knockRoute(door, (host, port) => {
    peers.hear(host, port, 'knock')
    peers.wake()
  })
  return door
}

/** The driver's page, on loopback. It never listens. */
export function createDriverPage(
  data: string,
  hold: Hold,
  peers: Peers,
  changes: Changes,
  desk: HandoverDesk,
): FastifyInstance {
  const door = createPageDoor({
    data,
    title: 'Driver',
    script: new URL('./web/page.js', import.meta.url),
    live: {
      snapshot: () => relayStatus({ ...hold, data, study: hold.shelf.document }, peers),
      onChange: (listener) => changes.onChange(listener),
    },
    handover: { desk, changes: hold.tubes },
    clock: hold.clock,
    logger: hold.logger,
  })
  lineRoutes(door, (query) => findLines(hold.store.$client, hold.shelf.document, tubesInHand(desk), query))
  return door
}
