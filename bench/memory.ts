import { readFileSync, writeFileSync } from 'node:fs'

/** From now on the process's peak counts anew (proc(5): clear_refs). */
export function forgetPeakMemoryOf(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

/** The most that was resident, in bytes (proc(5): VmHWM). */
export function peakMemoryOf(pid: number): number {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) * 1024
}
