import t from 'tap'
import { listRecords, readRecord } from '../../server/read-records.ts'
import { hashesOf, placeHash } from '../../server/record-place.ts'
import { changeLine } from '../fixtures/craft-batch.ts'
import { TestServer } from '../fixtures/server-run.ts'
import { foundTestStudy } from '../fixtures/study.ts'

t.setTimeout(120_000)

const model = 'clinic.visit'

t.test('a hash fits into six bytes, and lies between those of its model', (t) => {
  const models = [model, 'a.b', 'waybill.discard', `${'m'.repeat(99)}.${'n'.repeat(99)}`]
  const misfits = models.flatMap((name) => {
    const [first, last] = hashesOf(name)
    const hashes = Array.from({ length: 1000 }, (_, number) => placeHash(name, String(number)))
    return hashes.filter((hash) => !(Number.isInteger(hash) && hash >= first && hash <= last && hash < 2 ** 47))
  })
  t.same(misfits, [])
  t.not(placeHash('a.b', 'c'), placeHash('a.b', 'd'))
  t.not(placeHash('a.b', 'c'), placeHash('b.a', 'c'))
  t.end()
})

/** Two pks of one hash: it has 32 bits for them, so that among some tens of thousands there are two. */
function alikePks(): string[] {
  const seen = new Map<number, string>()
  for (let number = 0; ; number++) {
    const pk = `pk ${number}`
    const other = seen.get(placeHash(model, pk))
    if (other !== undefined) return [other, pk]
    seen.set(placeHash(model, pk), pk)
  }
}

t.test('records of one hash are records of their own, and a list that is read one by one has each once', async (t) => {
  const study = await foundTestStudy()
  t.teardown(() => study.dispose())
  await study.publish(() => ({ models: { [model]: { naturalKey: [] } } }))
  const lap = await study.enrol('field', 'lap-01')
  const server = await TestServer.start(t, study.server)
  const laptop = await server.laptop(lap)
  const pks = [...alikePks(), 'another', 'one more']
  const lines = pks.map((pk, index) =>
    changeLine({ id: `i${index}`, model, pk, naturalKey: [], fields: { weight: index } }),
  )
  const update = changeLine({
    id: 'u',
    model,
    pk: pks[1] ?? '',
    action: 'update',
    naturalKey: [],
    fields: { weight: 61 },
  })
  await server.as(lap).push(await laptop.batch([...lines, update]))
  t.match((await server.settled()).records, { applied: 5, conflicts: 0 })
  const weightOf = async (pk: string) => (await server.opened((opened) => readRecord(opened, model, pk))).fields.weight
  t.same(await Promise.all(pks.map(weightOf)), [0, 61, 2, 3])
  const listed: string[] = []
  for (let after = ''; listed.length <= pks.length; after = listed.at(-1) ?? '') {
    const [next] = await server.opened((opened) => Array.fromAsync(listRecords(opened, model, after, 1)))
    if (!next) break
    listed.push(next.pk)
  }
  t.same(listed.toSorted(), pks.toSorted())
  const at = listed.indexOf(pks[0] ?? '')
  t.ok(Math.abs(at - listed.indexOf(pks[1] ?? '')) === 1, 'those of one hash follow each other')
  const between = await server.opened((opened) => Array.fromAsync(listRecords(opened, model, 'not here', 10)))
  const after = listed.filter((pk) => placeHash(model, pk) > placeHash(model, 'not here'))
  t.same(
    between.map(({ pk }) => pk),
    after,
    'a list begins anywhere',
  )
})
