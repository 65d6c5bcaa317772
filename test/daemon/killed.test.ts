import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { Decrypter } from 'age-encryption'
import t, { type Test } from 'tap'
import { type BatchState, change, TestLaptop } from '../fixtures/daemon-laptop.ts'
import { delivery } from '../fixtures/daemon-receipts.ts'
import { cannotKillAt, traced } from '../fixtures/killed-at.ts'
import { foundTestStudy, type TestStudy } from '../fixtures/study.ts'

const why = cannotKillAt()
const options = why === undefined ? {} : { skip: why }
const program = new URL('../fixtures/daemon-crash.ts', import.meta.url).pathname
const toDisk = 'fsync,fdatasync'
const writes = 'pwrite64'

interface Ended {
  isKilled: boolean
  said: string[]
}

/** Runs the program; at the n-th of such calls of one of its threads something happens. */
function disturbed(laptop: TestLaptop, args: Array<string | number>, calls: string, what: string): Ended {
  return run(laptop, args, traced(calls, what))
}

function run({ device }: TestLaptop, args: Array<string | number>, wrap: string[]): Ended {
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', program, device.data, ...args.map(String)]
  const [command = '', ...rest] = [...wrap, ...node]
  const { status, stdout } = spawnSync(command, rest, {
    env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
    timeout: 30_000,
  })
  return { isKilled: status !== 0 && status !== 3, said: stdout.toString().split('\n').filter(Boolean) }
}

async function begin(t: Test) {
  const study = await foundTestStudy()
  t.teardown(() => study.dispose())
  return { study, laptop: await TestLaptop.open(t, await study.enrol('field', 'lap-01')) }
}

function numbered(from: number, to: number): object[] {
  return Array.from({ length: to - from }, (_, index) => change(`c-${from + index}`))
}

function outboxIds({ store }: TestLaptop): string[] {
  return store.$client
    .prepare<[], { id: string }>("SELECT line ->> '$.id' id FROM outbox")
    .all()
    .map(({ id }) => id)
}

/** What the server would find in a batch. */
async function idsIn({ server }: TestStudy, laptop: TestLaptop, { payload }: BatchState): Promise<string[]> {
  const opener = new Decrypter()
  opener.addIdentity(server.identity.secrets.sealing ?? '')
  const plain = zstdDecompressSync(await opener.decrypt(await laptop.payloads.read(payload))).toString()
  return plain
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => JSON.parse(line).id)
}

t.test(
  'invariant 1: killed at any call that reaches the disk, the laptop keeps what it has confirmed',
  options,
  async (t) => {
    const { laptop } = await begin(t)
    let kills = 0
    for (const [index, n] of [1, 2, 3, 4].entries()) {
      const [from, to] = [index * 1_300, (index + 1) * 1_300]
      const { isKilled, said } = disturbed(laptop, ['record', from, to], toDisk, `signal=KILL:when=${n}`)
      if (isKilled) kills += 1
      const confirmed = Number(said.at(-1) ?? 0)
      const kept = laptop.count('outbox') - from
      t.ok(kept >= confirmed, `killed at call ${n}: ${confirmed} confirmed, ${kept} kept`)
      t.match(await laptop.record(...numbered(from, to)), { known: kept, accepted: 1_300 - kept }, 'given again')
      t.equal(laptop.count('outbox'), to, 'invariant 2: each once')
    }
    t.ok(kills >= 2, `${kills} kills`)
  },
)

t.test(
  'invariants 1 and 2: killed at any call while it seals, each change is in the outbox or in one batch, and no number is skipped',
  options,
  async (t) => {
    const { study, laptop } = await begin(t)
    let to = 0
    let kills = 0
    // Payloads four at a time, and others behind them while those are numbered.
    for (const n of [2, 3, 4, 5, 6, 7, 8, 10]) {
      if (laptop.count('outbox') < 2_500) {
        await laptop.record(...numbered(to, to + 3_000))
        to += 3_000
      }
      if (disturbed(laptop, ['seal'], `${toDisk},rename`, `signal=KILL:when=${n}`).isKilled) kills += 1
      await expectEachOnce(t, study, laptop, to, `killed at call ${n}`)
    }
    t.ok(kills >= 6, `${kills} kills`)
    t.notOk(run(laptop, ['seal'], []).isKilled)
    const files = readdirSync(join(laptop.device.data, 'payloads'), { recursive: true }).map(String)
    t.equal(
      files.filter((name) => name.length > 60).length,
      laptop.batches().length,
      'what the kills left half done is swept',
    )
  },
)

t.test('invariant 1: killed while it deletes, no batch claims bytes that are gone', options, async (t) => {
  const { study, laptop } = await begin(t)
  const batches = await laptop.sealed('a', 'b', 'c', 'd')
  const last = batches[3] as BatchState
  await laptop.told(study.server, { deliveries: [await delivery(study.server, laptop, last, { safeThrough: 4 })] })
  for (const call of ['unlink', 'fsync', 'unlink']) {
    t.ok(disturbed(laptop, ['prune'], call, 'signal=KILL:when=1').isKilled, call)
    const claimed = laptop.batches().filter(({ pruned }) => pruned === 0)
    t.ok(claimed.every(({ payload }) => existsSync(laptop.payloads.pathOf(payload))))
    t.equal(await laptop.verify(), 4)
  }
  t.notOk(run(laptop, ['prune'], []).isKilled)
  t.same(laptop.those('pruned'), [1, 2, 3, 4])
})

t.test(
  'invariant 1: a disk that is full, or that fails, confirms nothing that it does not keep',
  options,
  async (t) => {
    const { study, laptop } = await begin(t)
    let from = 0
    for (const [n, error, calls] of [
      [60, 'ENOSPC', writes],
      [200, 'ENOSPC', writes],
      [2, 'EIO', toDisk],
    ] as const) {
      const { said } = disturbed(laptop, ['record', from, from + 1_300], calls, `error=${error}:when=${n}+`)
      const confirmed = Math.max(0, ...said.map(Number).filter((count) => !Number.isNaN(count)))
      const kept = laptop.count('outbox') - from
      t.ok(kept >= confirmed, `${error} from call ${n} on: ${confirmed} confirmed, ${kept} kept, ${said.at(-1)}`)
      await laptop.record(...numbered(from, from + 1_300))
      from += 1_300
      t.equal(laptop.count('outbox'), from)
    }
    for (const n of [2, 30]) {
      disturbed(laptop, ['seal'], writes, `error=ENOSPC:when=${n}+`)
      await expectEachOnce(t, study, laptop, from, `a disk that is full from write ${n} on`)
    }
  },
)

async function expectEachOnce(t: Test, study: TestStudy, laptop: TestLaptop, to: number, when: string): Promise<void> {
  const found = outboxIds(laptop)
  for (const batch of laptop.batches()) found.push(...(await idsIn(study, laptop, batch)))
  t.equal(found.length, to, `${when}: as many as were recorded`)
  t.equal(new Set(found).size, to, `${when}: each once`)
  t.same(
    laptop.manifests().map(({ seq }) => seq),
    laptop.batches().map((_, index) => index + 1),
    'numbered without a gap',
  )
  t.equal(await laptop.verify(), laptop.batches().length)
}
