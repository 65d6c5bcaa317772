import t from 'tap'
import { type CraftedBatch, custodyBy } from '../fixtures/craft-batch.ts'
import { cannotKillAt, killedAt, seeded } from '../fixtures/killed-at.ts'
import { startMortal } from '../fixtures/mortal-server.ts'
import { TestServer, Visitor } from '../fixtures/server-run.ts'
import { foundTestStudy } from '../fixtures/study.ts'
import { until } from '../fixtures/until.ts'

t.setTimeout(90_000)

const lifes = 5
const atOnce = 12

function custodyOf(server: TestServer, digest: string): string | undefined {
  return server.sql<{ custody: string }>('SELECT custody FROM batches WHERE manifest_digest = ?', digest)[0]?.custody
}

t.test(
  'invariants 2 and 4: a server killed while it takes in has what it signed for, and doubles nothing',
  { skip: cannotKillAt() ?? false },
  async (t) => {
    const seed = 20_261_124
    const random = seeded(seed)
    const study = await foundTestStudy()
    t.teardown(() => study.dispose())
    const lap = await study.enrol('field', 'lap-01')
    const thabo = await study.enrol('relay', 'thabo')
    const server = await TestServer.start(t, study.server)
    for (const device of [lap, thabo]) await server.as(device).meet()
    const all: CraftedBatch[] = []
    const signed = new Map<string, string>()
    let [deaths, acknowledged] = [0, 0]

    for (let life = 0; life < lifes; life += 1) {
      const laptop = await server.laptop(lap)
      const batches = await laptop.batches(atOnce)
      await server.stop()
      // The start alone takes a dozen such calls.
      const n = 13 + random(4)
      const mortal = await startMortal(t, study.server, killedAt(n))
      if (mortal.port !== 0) {
        const [direct, courier] = [new Visitor(lap, mortal.port), new Visitor(thabo, mortal.port)]
        const note = async (batch: CraftedBatch, custody: Promise<string>) =>
          void signed.set(batch.digest, await custody)
        const path = async (batch: CraftedBatch) => [(await custodyBy(thabo, batch)).jws]
        const results = await Promise.allSettled(
          batches.flatMap((batch, index) => [
            note(batch, direct.push(batch)),
            ...(index % 3 === 0 ? [path(batch).then((jws) => note(batch, courier.push(batch, jws)))] : []),
          ]),
        )
        await Promise.all([direct.close(), courier.close()])
        if (results.some(({ status }) => status === 'rejected')) await until('it is dead', mortal.isDead)
      }
      if (mortal.isDead()) deaths += 1
      acknowledged += batches.filter(({ digest }) => signed.has(digest)).length
      await mortal.end()
      all.push(...batches)

      await server.start()
      const again = server.as(lap)
      const lost = all.filter(({ digest }) => signed.has(digest) && custodyOf(server, digest) !== signed.get(digest))
      t.same(lost, [], `seed ${seed}, life ${life}, n ${n}: what it signed for is here, with the same bytes`)
      for (const batch of all) {
        const custody = await again.push(batch)
        if ((signed.get(batch.digest) ?? custody) !== custody) t.fail(`seed ${seed}, life ${life}: signed for anew`)
        signed.set(batch.digest, custody)
      }
      await server.settled()
      const ids = (await server.feed()).map(({ change }) => (change as { id: string }).id)
      t.equal(ids.length, all.length, `seed ${seed}, life ${life}, n ${n}: every change once`)
      t.equal(new Set(ids).size, all.length)
      t.equal(await server.verify(), all.length)
    }
    t.ok(deaths > 0, `it died ${deaths} times of ${lifes}`)
    t.ok(
      acknowledged > 0 && acknowledged < lifes * atOnce,
      `${acknowledged} of ${lifes * atOnce} were signed for before`,
    )
  },
)
