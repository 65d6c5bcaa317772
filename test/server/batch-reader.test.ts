import t from 'tap'
import { BatchReader } from '../../server/batch-reader.ts'
import { idHash } from '../../server/id-hash.ts'
import { idHashesIn, packPlaces, unpackPlaces } from '../../server/pack-places.ts'
import { sha256 } from '../../shared/crypto/digest.ts'
import type { Manifest } from '../../shared/protocol/manifest.ts'
import { refused } from '../fixtures/server-run.ts'

const script = new URL('../fixtures/mortal-reader.ts', import.meta.url)

t.test('invariant 8: a batch that ends the thread fails alone; those behind it are read', async (t) => {
  const reader = new BatchReader('/nowhere', script)
  t.teardown(() => reader.close())
  const read = (seq: number) =>
    reader.read({ seq } as Manifest, { study: undefined, newest: { models: {} }, decides: false })
  const [first, fatal, third, bomb, last] = [read(1), read(2), read(3), read(4), read(5)] as const
  const died = refused(t, fatal, 'UNEXPECTED', 'it ended the thread')
  const bad = refused(t, bomb, 'PAYLOAD_REFUSED', 'an error keeps its code')
  t.same([(await first).places.length, (await third).places.length, (await last).places.length], [1, 3, 5])
  t.match((await died).message, /out of memory/)
  t.match((await bad).message, /a bomb/)
  await refused(t, read(2), 'UNEXPECTED', 'and again')
  t.equal((await read(7)).places.length, 7, 'the next is read by a new one')
})

t.test('places come out of their bytes as they went in', (t) => {
  const texts = ['a', 'é', 'c'.repeat(1000), '€'.repeat(100_000), 'after what needed room']
  const changes = texts.map((id, index) => ({
    ...{ number: index * 1000 + 1, id, digest: sha256(id), model: 'lab.requisition', pk: `${id}\n😀`.slice(-200) },
    ...{ action: (['insert', 'update', 'delete'] as const)[index] ?? 'insert', day: `2026-11-2${index}` },
    about: index === 0 ? undefined : { key: id, base: [index] },
  }))
  const packed = packPlaces(changes)
  t.same(
    [...unpackPlaces(packed)],
    changes.map(({ id, digest, about, ...rest }) => ({
      ...{ ...rest, idHash: idHash(id), digest: Buffer.from(digest, 'hex') },
      about: about === undefined ? null : JSON.stringify(about),
    })),
  )
  t.same(
    idHashesIn(packed),
    texts.map((id) => idHash(id)),
  )
  t.same([...unpackPlaces(packPlaces([]))], [])
  t.end()
})
