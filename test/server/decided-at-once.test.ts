import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { addAccount } from '../../server/accounts.ts'
import { applyNext } from '../../server/apply.ts'
import { BatchReader } from '../../server/batch-reader.ts'
import { resolveConflict } from '../../server/conflicts.ts'
import type { IngestContext } from '../../server/ingest.ts'
import { mergeRecords, retractMerge } from '../../server/merge.ts'
import { openAll } from '../../server/open-batch.ts'
import { discardChange, listAside, retryChange } from '../../server/quarantine.ts'
import { systemClock } from '../../shared/service/clock.ts'
import type { WaybillError } from '../../shared/service/errors.ts'
import { PayloadStore } from '../../shared/storage/payload-store.ts'
import { Deciding } from '../fixtures/decisions.ts'
import { cleanEnvironment } from '../fixtures/hotspot-command.ts'
import { password } from '../fixtures/manager-door.ts'
import { PeopleClient } from '../fixtures/people-client.ts'

t.setTimeout(120_000)

const decideAll = fileURLToPath(new URL('../fixtures/decide-all.ts', import.meta.url))
const model = 'clinic.subject'
const models = { [model]: { naturalKey: ['identifier'] } }
const each = <T>(count: number, of: (index: number) => T) => Array.from({ length: count }, (_, index) => of(index))
const byRoot = { who: 'root', role: 'terminal' }
const told = /^(ALREADY_DECIDED|NOT_FOUND)$/

/** So many records in conflict (s0, ...), and so many changes that cannot be applied (w0, ...). */
async function begin(t: Test, count: number): Promise<Deciding> {
  const deciding = await Deciding.begin(t, models)
  const record = (index: number) => ({ model, pk: `s${index}`, naturalKey: [`S-${index}`] })
  await deciding.bring(0, ...each(count, (at) => ({ id: `a${at}`, ...record(at), fields: { age: 30 } })))
  const edits = (id: string, age: number) =>
    each(count, (at) => ({
      id: `${id}${at}`,
      ...record(at),
      action: 'update' as const,
      fields: { age },
      base: [`a${at}`],
    }))
  await deciding.bring(0, ...edits('b', 31))
  await deciding.bring(
    1,
    ...edits('c', 32),
    ...each(count, (at) => ({ id: `w${at}`, ...record(at), pk: `w${at}`, naturalKey: [] })),
  )
  return deciding
}

interface Told {
  who: string
  thing: string
  said: string
}

/** A terminal that decides all of it when told to. */
async function terminal(data: string, things: string[]): Promise<() => Promise<Told[]>> {
  const child = spawn(process.execPath, [decideAll, data, ...things], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: cleanEnvironment,
  })
  const lines = createInterface({ input: child.stdout })
  await once(lines, 'line')
  return async () => {
    const said: Told[] = []
    lines.on('line', (line) => {
      const [thing, result] = JSON.parse(line)
      said.push({ who: 'Kagiso', thing, said: result })
    })
    child.stdin.write('go\n')
    await once(child, 'close')
    return said
  }
}

/** What there is to decide, as a manager's page shows it: records in conflict with their versions, changes that are set aside. */
async function seenBy(client: PeopleClient) {
  const versions = new Map<string, { record: number; heads: string[] }>()
  const { conflicts } = await client.see<{ conflicts: Array<{ record: number; pk: string }> }>('conflicts')
  for (const { record, pk } of conflicts) {
    const { heads } = await client.see<{ heads: Array<{ digest: string }> }>(`conflicts/${record}`)
    versions.set(pk, { record, heads: heads.map(({ digest }) => digest) })
  }
  const { aside } = await client.see<{ aside: Array<{ digest: string; pk: string }> }>('aside?state=quarantined')
  return { versions, digests: new Map(aside.map(({ digest, pk }) => [pk, digest])) }
}

type Seen = Awaited<ReturnType<typeof seenBy>>

/** Decides all of it on the page, one after the other. */
async function onPage(
  who: string,
  client: PeopleClient,
  { versions, digests }: Seen,
  things: string[],
): Promise<Told[]> {
  const all: Told[] = []
  for (const thing of things) {
    const reason = `${who} has seen it`
    const { record, heads } = versions.get(thing) ?? { heads: [] }
    const said =
      record === undefined
        ? client.decide(`aside/${digests.get(thing)}/${who === 'Neo' ? 'discard' : 'retry'}`, { reason })
        : client.decide(`conflicts/${record}`, { head: heads[who === 'Neo' ? 0 : 1], seen: heads, fields: {}, reason })
    all.push({ who, thing, said: await said })
  }
  return all
}

t.test(
  'two people on the page and one at a terminal at once: each thing is decided once, and all are told',
  async (t) => {
    const count = 8
    const deciding = await begin(t, count)
    const { server } = deciding
    const clients = new Map<string, PeopleClient>()
    for (const name of ['Naledi', 'Neo']) {
      const account = { name, role: 'manager' as const, views: true }
      await server.opened(({ store }) => addAccount(store, byRoot, account, password, systemClock))
      clients.set(name, await PeopleClient.signIn(t, server, name))
    }
    const things = each(count, (at) => [`s${at}`, `w${at}`]).flat()
    const seen = await seenBy(clients.get('Neo') as PeopleClient)
    const { versions, digests } = seen
    t.same([versions.size, digests.size], [count, count])
    const given = things.map((thing) => (versions.has(thing) ? `${thing}=${versions.get(thing)?.heads[0]}` : thing))
    const go = await terminal(server.device.data, given)
    const all = (await Promise.all([...[...clients].map(([who, one]) => onPage(who, one, seen, things)), go()])).flat()
    await deciding.settled()

    const made = all.filter(({ said }) => said.startsWith('decision-'))
    const ids = (await server.feed()).map(({ change }) => (change as { id: string }).id)
    t.strictSame(
      made.map(({ said }) => said).toSorted(),
      ids.filter((id) => id.startsWith('decision-')).toSorted(),
      'what was told is here, and nothing else was decided',
    )
    for (const { who, thing, said } of all.filter((one) => !made.includes(one)))
      t.match(said, told, `${who} is told that ${thing} is decided`)
    for (const thing of versions.keys()) {
      const [won, ...more] = made.filter((one) => one.thing === thing)
      t.same(more, [], `${thing} is decided once`)
      t.match(await deciding.record(model, thing), { change: won?.said, user: won?.who, conflict: false })
    }
    for (const { pk, state } of await deciding.at((context) => Array.fromAsync(listAside(context)))) {
      // What Naledi had tried again in vain another may still discard; a discard that she was told of she may take back.
      const last = ids.map((id) => made.find(({ said, thing }) => said === id && thing === pk)).findLast((one) => one)
      t.equal(state, last?.who === 'Naledi' ? 'quarantined' : 'discarded', `${pk}: ${last?.who} decided last`)
    }
    t.equal(await server.verify(), (await server.status()).counts.opened.batches)
    t.same((await server.status()).alarms, [])
  },
)

type Act = (context: IngestContext) => Promise<string>

/** Payloads of which one is answered only when something else was done. */
class HeldUpPayloads extends PayloadStore {
  hold = { reads: 0, act: async () => {} }

  override async read(digest: string): Promise<Buffer> {
    const bytes = await super.read(digest)
    this.hold.reads -= 1
    if (this.hold.reads === 0) await this.hold.act()
    return bytes
  }
}

/** The server's work, done when the test says so. */
class Slow {
  readonly #deciding: Deciding
  readonly #reader: BatchReader

  constructor(t: Test, deciding: Deciding) {
    this.#deciding = deciding
    this.#reader = new BatchReader(deciding.server.device.data)
    t.teardown(() => this.#reader.close())
  }

  /** One decides; and another, while the first decision is applied in the reading for the second: after so many batches were read. */
  async second(first: Act, then: Act, after: number): Promise<string> {
    await this.#deciding.at(first)
    // Who opens anew has no batch open yet.
    return this.#deciding.at(async (context) => {
      const payloads = new HeldUpPayloads(join(this.#deciding.server.device.data, 'payloads'))
      payloads.hold = { reads: after, act: () => this.#apply(context) }
      const result = await then({ ...context, payloads }).catch((error: WaybillError) => error.code)
      await this.#apply(context)
      return result
    })
  }

  async #apply(context: IngestContext): Promise<void> {
    const failed = await openAll({ ...context, reader: this.#reader }, () => undefined)
    if (failed) throw failed
    while (applyNext(context.store) > 0);
  }
}

t.test('a decision that is applied while the next person’s is drafted is not decided over', async (t) => {
  const most = 4
  const deciding = await begin(t, most + 1)
  await deciding.server.stop()
  const slow = new Slow(t, deciding)
  const { rosa, neo } = deciding
  const one = (sql: string) => deciding.at(({ store }) => store.$client.prepare(sql).pluck().get())
  for (let after = 1; after <= most; after += 1) {
    const record = `s${after}`
    const decideTwice = async (what: string, by: (who: typeof rosa) => Act) =>
      t.match(await slow.second(by(rosa), by(neo), after), told, `${what} after ${after}`)
    await decideTwice('resolved', (who) => (context) => {
      const fields = { age: who === rosa ? 40 : 50 }
      return resolveConflict(context, who, { model, pk: record, fields })
    })
    t.match(await deciding.record(model, record), { fields: { age: 40 }, conflict: false })
    await decideTwice('discarded', (who) => (context) => discardChange(context, who, `w${after}`))
    await decideTwice('merged', (who) => (context) => mergeRecords(context, who, model, [record, 's0']))
    const merge = await one(
      'SELECT r.pk FROM merges m JOIN changes c ON c.position = m.change JOIN records r ON r.ordinal = c.record',
    )
    await decideTwice('parted', (who) => (context) => retractMerge(context, who, `${merge}`))
  }
})

t.test('a discard that is applied while a retry is drafted: who tries again is told the truth', async (t) => {
  const deciding = await begin(t, 4)
  await deciding.server.stop()
  const slow = new Slow(t, deciding)
  const { rosa, neo } = deciding
  for (const after of [1, 2, 3]) {
    const retry: Act = (context) => retryChange(context, neo, `w${after}`)
    const said = await slow.second((context) => discardChange(context, rosa, `w${after}`), retry, after)
    const aside = await deciding.at((context) => Array.fromAsync(listAside(context)))
    const state = aside.find(({ pk }) => pk === `w${after}`)?.state
    t.equal(state, told.test(said) ? 'discarded' : 'quarantined', `after ${after}: ${said}`)
  }
})
