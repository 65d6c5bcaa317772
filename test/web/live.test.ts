import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { systemClock } from '../../shared/service/clock.ts'
import { createLogger } from '../../shared/service/logger.ts'
import { openPort } from '../../shared/transfer/open-port.ts'
import { Changes } from '../../shared/web/changes.ts'
import { serveLive } from '../../shared/web/live.ts'
import { strictFastify } from '../../shared/web/strict-fastify.ts'

/** A program whose state is one number, and who listens to its changes. */
async function openCounter() {
  const changes = new Changes()
  const counter = { state: 0, listeners: 0, drawn: 0 }
  const door = strictFastify(createLogger('test', 'silent'))
  const snapshot = () => {
    counter.drawn += 1
    return counter.state
  }
  const onChange = (listener: () => void) => {
    counter.listeners += 1
    const stop = changes.onChange(listener)
    return () => {
      counter.listeners -= 1
      stop()
    }
  }
  serveLive(door, { snapshot, onChange }, systemClock)
  const port = await openPort(door, 0, '127.0.0.1')
  const add = () => {
    counter.state += 1
    changes.tell()
  }
  return { counter, add, address: `http://127.0.0.1:${port}/v1/live`, close: () => door.close() }
}

/** The states that a page is shown, as they come. */
async function* states(address: string, signal: AbortSignal): AsyncGenerator<number> {
  const { body } = await fetch(address, { signal })
  for await (const text of body?.pipeThrough(new TextDecoderStream()) ?? [])
    for (const event of text.trim().split('\n\n')) yield JSON.parse(event.slice('data: '.length)).state
}

async function until(condition: () => boolean): Promise<void> {
  for (const end = performance.now() + 5_000; !condition(); await pause(5))
    if (performance.now() > end) throw new Error('waited in vain')
}

t.test('a change right after a picture is shown with the next one, not at the heartbeat', async (t) => {
  const { add, address, close } = await openCounter()
  const reader = new AbortController()
  t.teardown(close)
  const shown = states(address, reader.signal)
  for (const wanted of [0, 1, 2, 3]) {
    const asked = performance.now()
    t.equal((await shown.next()).value, wanted)
    t.ok(performance.now() - asked < 2_000, 'long before the heartbeat')
    add()
  }
  reader.abort()
})

t.test('many changes make few pictures, and the last one is true', async (t) => {
  const { counter, add, address, close } = await openCounter()
  const reader = new AbortController()
  t.teardown(close)
  const shown = states(address, reader.signal)
  await shown.next()
  for (const end = performance.now() + 1_000; performance.now() < end; await pause(1)) add()
  for (;;) if ((await shown.next()).value === counter.state) break
  t.ok(counter.drawn <= 7, `${counter.drawn} pictures in about a second`)
  reader.abort()
})

t.test('a page that is closed is listened for no more', async (t) => {
  const { counter, add, address, close } = await openCounter()
  const reader = new AbortController()
  t.teardown(close)
  await states(address, reader.signal).next()
  await until(() => counter.listeners > 0)
  reader.abort()
  await until(() => counter.listeners === 0)
  const { drawn } = counter
  for (let count = 0; count < 3; count++) add()
  t.equal(counter.drawn, drawn, 'nothing is drawn for nobody')
})
