import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sha256 } from '../shared/crypto/digest.ts'
import { batchChanges, changeLines } from './workload.ts'

/** The changes of one round, uncompressed: what curl fetches, PostgreSQL copies, and the laptops record. */
export class Plain {
  readonly directory: string
  readonly laptops: string[]
  readonly changes: number

  constructor(directory: string, laptops: string[], changes: number) {
    this.directory = join(directory, 'plain')
    this.laptops = laptops
    this.changes = changes
  }

  /** Batches, or files, a round. */
  get batches(): number {
    return (this.laptops.length * this.changes) / batchChanges
  }

  get bytes(): number {
    return this.laptops.reduce((sum, laptop) => sum + readFileSync(this.fileOf(laptop)).length, 0)
  }

  /** `lap-01.ndjson`, and the same as `lap-01/0001.ndjson`... with their SHA256SUMS: a file for each batch. */
  write(round: number): void {
    rmSync(this.directory, { recursive: true, force: true })
    for (const laptop of this.laptops) {
      mkdirSync(join(this.directory, laptop), { recursive: true })
      const lines = [...changeLines(`${laptop}:${round}`, this.changes)]
      const sums = this.fileNames().map((name, index) => {
        const text = `${lines.slice(index * batchChanges, (index + 1) * batchChanges).join('\n')}\n`
        writeFileSync(join(this.directory, laptop, name), text)
        return `${sha256(text)}  ${name}\n`
      })
      writeFileSync(join(this.directory, laptop, 'SHA256SUMS'), sums.join(''))
      writeFileSync(this.fileOf(laptop), `${lines.join('\n')}\n`)
    }
  }

  /** All changes of a laptop in one file. */
  fileOf(laptop: string): string {
    return join(this.directory, `${laptop}.ndjson`)
  }

  fileNames(): string[] {
    return Array.from(
      { length: this.changes / batchChanges },
      (_, index) => `${String(index + 1).padStart(4, '0')}.ndjson`,
    )
  }
}
