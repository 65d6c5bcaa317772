import { openHold } from '../relay/open-store.ts'
import { Peers } from '../relay/peers.ts'
import { systemClock } from '../shared/service/clock.ts'
import { createLogger } from '../shared/service/logger.ts'

const wakeEveryMs = 200
const [, , data = ''] = process.argv
const hold = await openHold(data, systemClock, createLogger('courier', 'error'))
let peers: Peers | undefined
let waking: NodeJS.Timeout | undefined

/** Ends what runs; then, as the relay's program does, visits these ports and looks again at who is due. */
async function visit(ports: number[]): Promise<void> {
  clearInterval(waking)
  await peers?.close()
  peers = new Peers(hold, () => undefined)
  process.send?.(Date.now())
  for (const port of ports) peers.hear('127.0.0.1', port, 'knock')
  peers.wake()
  waking = setInterval(() => peers?.wake(), wakeEveryMs)
}

process.on('message', (message: { visit: number[] }) => void visit(message.visit))
process.once('disconnect', async () => {
  clearInterval(waking)
  await peers?.close()
  hold.store.$client.close()
})
process.send?.('ready')
