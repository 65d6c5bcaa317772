import { WaybillError } from '../shared/service/errors.ts'
import { lifeOf } from './feed-cursor.ts'
import type { ServerStore } from './open-store.ts'

/**
 * Reads a feed on after the app's cursor. One of another life is from before this server was restored: then the feed starts again.
 * @param begin called before it does
 * @throws CURSOR_FOREIGN for a cursor from further on in this same life: the server was restored and does not know it yet. It learns it
 * from the next laptop or driver; until then it cannot tell what the app has. As the feed does
 */
export async function* readOrStartAgain<Entry>(
  store: ServerStore,
  after: string,
  read: (after: string) => AsyncGenerator<Entry>,
  begin: () => void,
): AsyncGenerator<Entry> {
  try {
    yield* read(after)
  } catch (error) {
    const isForeign = error instanceof WaybillError && error.code === 'CURSOR_FOREIGN'
    if (!isForeign || after.startsWith(`${lifeOf(store)}.`)) throw error
    begin()
    yield* read('')
  }
}
