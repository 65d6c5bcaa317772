import { setPriority } from 'node:os'
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { readIdentity } from '../shared/crypto/identity.ts'
import { asWaybillError } from '../shared/service/errors.ts'
import { giveBack } from '../shared/service/give-back.ts'
import { PayloadStore } from '../shared/storage/payload-store.ts'
import type { Answer, Asked } from './batch-reader.ts'
import { packPlaces } from './pack-places.ts'
import { readContent } from './read-batch.ts'

/** Taking in comes first: on Linux a thread has a priority of its own. */
const lower = 5
const { data } = workerData as { data: string }
const identity = readIdentity(data)
const payloads = new PayloadStore(join(data, 'payloads'))

try {
  setPriority(lower)
} catch {
  // A service that may not change it opens at the same pace as it takes in.
}

async function answer({ manifest, terms }: Asked): Promise<Answer> {
  try {
    const context = { payloads, identity }
    const { plain, changes: places, ...beside } = await readContent(context, manifest, terms, packPlaces)
    giveBack(plain)
    return { read: { places, ...beside } }
  } catch (thrown) {
    const { code, message } = asWaybillError(thrown)
    return { failed: { code, message } }
  }
}

let last = Promise.resolve()
parentPort?.on('message', (asked: Asked) => {
  last = last.then(async () => {
    const answered = await answer(asked)
    parentPort?.postMessage(answered, answered.read ? [answered.read.places.buffer] : [])
  })
})
