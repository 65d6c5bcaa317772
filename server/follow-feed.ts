import { setTimeout } from 'node:timers/promises'
import type { Changes } from '../shared/web/changes.ts'

/** How a feed is to be read. */
export interface Reading {
  after: string
  limit: number
  /** How long to wait for an entry where there is none. */
  waitMs: number
  /** Nobody reads on. */
  ended: AbortSignal
}

/** Another process may have written: the feed is looked at again this often. */
const lookEveryMs = 1_000

/**
 * Reads a feed to its end or to the limit; where there is nothing at all, waits for it, and returns as soon as there was something.
 * @param read reads on after a cursor, to the end
 * @param news tells of what this process does
 */
export async function* followFeed<T>(
  read: (after: string) => AsyncGenerator<T>,
  { after, limit, waitMs, ended }: Reading,
  news: Changes,
): AsyncGenerator<T> {
  const deadline = performance.now() + waitMs
  for (let count = 0; count === 0; ) {
    const pause = pauseUntilNews(news, ended)
    try {
      for await (const entry of read(after)) {
        yield entry
        count += 1
        if (count >= limit) return
      }
      const leftMs = deadline - performance.now()
      if (leftMs <= 0 || ended.aborted) return
      if (count === 0) await pause.upTo(Math.min(leftMs, lookEveryMs))
    } finally {
      pause.end()
    }
  }
}

/** What is told from now on, while the feed is still being read, ends the pause as well. */
function pauseUntilNews(news: Changes, ended: AbortSignal) {
  const woken = new AbortController()
  const wake = () => woken.abort()
  const stop = news.onChange(wake)
  ended.addEventListener('abort', wake)
  return {
    upTo: (ms: number) => setTimeout(ms, undefined, { signal: woken.signal }).catch(() => undefined),
    end: () => {
      stop()
      ended.removeEventListener('abort', wake)
    },
  }
}
