import { Presets, SingleBar } from 'cli-progress'

/** A bar on the terminal, for work that knows how much there is; where there is no terminal, nothing. */
export function showProgress(): (done: number, of: number) => void {
  if (!process.stderr.isTTY) return () => undefined
  const bar = new SingleBar({ stream: process.stderr, clearOnComplete: true, hideCursor: true }, Presets.legacy)
  let started = false
  return (done, of) => {
    if (!started) bar.start(of, 0)
    started = true
    bar.update(done)
    if (done === of) bar.stop()
  }
}
