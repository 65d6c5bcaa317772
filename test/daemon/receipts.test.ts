import t, { type Test } from 'tap'
import { takeCustody } from '../../daemon/take-custody.ts'
import { newNonce } from '../../shared/crypto/digest.ts'
import { type BatchState, TestLaptop } from '../fixtures/daemon-laptop.ts'
import { custody, delivery, gaps, life } from '../fixtures/daemon-receipts.ts'
import { foundTestStudy } from '../fixtures/study.ts'

async function begin(t: Test) {
  const study = await foundTestStudy()
  t.teardown(() => study.dispose())
  const relay = await study.enrol('relay', 'driver')
  const other = await study.enrol('field', 'lap-02')
  const laptop = await TestLaptop.open(t, await study.enrol('field', 'lap-01'))
  const batches = await laptop.sealed('a', 'b', 'c', 'd', 'e')
  const at = (seq: number) => batches[seq - 1] as BatchState
  return { study, laptop, relay, other, server: study.server, at }
}

/** The same JWS with another signature of the same length. */
function forged(jws: string): string {
  const [head, body, signature = ''] = jws.split('.')
  return [head, body, `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`].join('.')
}

t.test('a receipt that is forged, for another, or by one who may not, covers nothing', async (t) => {
  const { laptop, relay, other, server, at, study } = await begin(t)
  const second = await study.enrol('server', 'not-listed')
  const incarnation = life()
  const good = await delivery(server, laptop, at(3), { incarnation })
  const tell = (...deliveries: string[]) => laptop.told(server, { deliveries })
  t.same(await tell(forged(good)), ['SIGNATURE_INVALID'])
  t.same(await laptop.told(relay, { deliveries: [await delivery(relay, laptop, at(3))] }), ['ROLE_REFUSED'])
  t.same(await laptop.told(other, { deliveries: [await delivery(other, laptop, at(3))] }), ['ROLE_REFUSED'])
  t.same(
    await laptop.told(second, { deliveries: [await delivery(second, laptop, at(3))] }),
    [],
    'a server that the study document does not name',
  )
  t.same(
    await tell(await delivery(server, laptop, at(3), { incarnation, server: relay.device })),
    [],
    'one that speaks for another',
  )
  t.same(
    await tell(await delivery(server, laptop, at(3), { incarnation, producer: other.device })),
    [],
    "another laptop's",
  )
  t.same(await tell(await delivery(server, laptop, at(3), { incarnation, chain: newNonce() })), [], "another chain's")
  t.same(await tell(await delivery(server, laptop, at(3), { study: 'f'.repeat(64) })), ['STUDY_MISMATCH'])
  t.same(
    await tell(await delivery(server, laptop, at(3), { incarnation, throughDigest: null })),
    [],
    'one that names no batch',
  )
  t.same(laptop.those('delivered'), [])
  t.same(await tell('e30.e30.AA', good), ['BAD_DOCUMENT'], 'invariant 8: a bad one spoils no other')
  t.same(laptop.those('delivered'), [1, 2, 3])
})

t.test('in one life of a server the receipt that says more counts, in any order', async (t) => {
  const { laptop, server, at } = await begin(t)
  const incarnation = life()
  const some = await delivery(server, laptop, at(2), { incarnation, safeThrough: 1 })
  const more = await delivery(server, laptop, at(4), { incarnation, safeThrough: 2 })
  t.same(await laptop.told(server, { deliveries: [more, some, more] }), [])
  t.same(
    [laptop.those('delivered'), laptop.those('safe')],
    [
      [1, 2, 3, 4],
      [1, 2],
    ],
  )
  t.equal(laptop.count('deliveries'), 1)
  const another = await begin(t)
  const above: [number, number, string][] = [[4, 5, another.at(5).digest]]
  await another.laptop.told(another.server, {
    deliveries: [await delivery(another.server, another.laptop, another.at(2), { incarnation, above })],
  })
  t.same(another.laptop.those('delivered'), [1, 2, 4, 5], 'what is above a gap is delivered')
  t.same(another.laptop.those('safe'), [], 'and never safe')
  t.equal(await another.laptop.verify(), 5)
})

t.test('what is safe beyond what is delivered is not safe', async (t) => {
  const { laptop, server, at } = await begin(t)
  await laptop.told(server, {
    deliveries: [await delivery(server, laptop, at(2), { safeThrough: 5, above: [[4, 5, at(5).digest]] })],
  })
  t.same(laptop.those('safe'), [1, 2])
})

t.test(
  'a restored server: its next life takes back what the older one covered, and an older one never counts again',
  async (t) => {
    const { laptop, server, at } = await begin(t)
    const old = await delivery(server, laptop, at(5), { safeThrough: 4, incarnation: life(1) })
    const lower = await delivery(server, laptop, at(2), { safeThrough: 1, incarnation: life(2) })
    await laptop.told(server, { deliveries: [old] })
    t.same(await laptop.told(server, { deliveries: [lower] }), [])
    t.same([laptop.those('delivered'), laptop.those('safe')], [[1, 2], [1]])
    t.same(await laptop.told(server, { deliveries: [old] }), [])
    t.same([laptop.those('delivered'), laptop.those('safe')], [[1, 2], [1]], 'shown again by some courier')
    t.equal(await laptop.verify(), 5)
  },
)

t.test(
  'invariant 1: a restored server that knows nothing of a chain takes its coverage back all the same',
  async (t) => {
    const { laptop, other, relay, server, at } = await begin(t)
    const old = await delivery(server, laptop, at(5), { safeThrough: 5, incarnation: life(1) })
    const elsewhere = { chain: newNonce(), seq: 1, digest: 'a'.repeat(64) }
    const ways = {
      "a receipt for another laptop's chain": {
        deliveries: [await delivery(server, laptop, elsewhere, { producer: other.device, incarnation: life(2) })],
      },
      'a notice of gaps': {
        gaps: [await gaps(server, laptop, newNonce(), { producer: other.device, incarnation: life(3) })],
      },
    }
    await laptop.told(server, { deliveries: [old] })
    t.same(laptop.those('safe'), [1, 2, 3, 4, 5])
    for (const [way, told] of Object.entries(ways)) {
      t.same(await laptop.told(relay, told), [], way)
      t.same([laptop.those('delivered'), laptop.those('safe')], [[], []], way)
      t.same(await laptop.told(relay, { deliveries: [old] }), [], 'what the old life said comes too late')
      t.same(laptop.those('delivered'), [], way)
      const { number } = JSON.parse(
        laptop.store.$client.prepare<[], { value: string }>("SELECT value FROM facts WHERE key LIKE 'life:%'").get()
          ?.value ?? '',
      )
      const anew = await delivery(server, laptop, at(5), {
        safeThrough: 5,
        incarnation: JSON.parse(
          laptop.store.$client.prepare<[], { value: string }>("SELECT value FROM facts WHERE key LIKE 'life:%'").get()
            ?.value ?? '',
        ),
      })
      await laptop.told(server, { deliveries: [anew] })
      t.same(laptop.those('safe'), [1, 2, 3, 4, 5], `life ${number} has it again`)
    }
  },
)

t.test('two lives of one server that claim one number alarm, and the lower through counts, in any order', async (t) => {
  for (const order of ['higher first', 'lower first']) {
    const { laptop, server, at } = await begin(t)
    const [one, two] = [life(3), life(3)]
    const high = await delivery(server, laptop, at(5), { safeThrough: 5, incarnation: one })
    const low = await delivery(server, laptop, at(2), { safeThrough: 2, incarnation: two })
    const [first = '', then = ''] = order === 'higher first' ? [high, low] : [low, high]
    t.same(await laptop.told(server, { deliveries: [first] }), [], order)
    t.match(await laptop.told(server, { deliveries: [then] }), ['BATCH_CONFLICT'], order)
    t.same(
      [laptop.those('delivered'), laptop.those('safe')],
      [
        [1, 2],
        [1, 2],
      ],
      order,
    )
    const grown = await delivery(server, laptop, at(5), { safeThrough: 5, incarnation: two })
    await laptop.told(server, { deliveries: [grown] })
    await laptop.told(server, {
      deliveries: [await delivery(server, laptop, at(3), { safeThrough: 1, incarnation: two })],
    })
    t.same(
      [laptop.those('delivered'), laptop.those('safe')],
      [
        [1, 2, 3, 4, 5],
        [1, 2, 3, 4, 5],
      ],
      'both say so now',
    )
    t.equal(await laptop.verify(), 5)
  }
})

t.test('of two lives that claim one number the one that has less safely counts', async (t) => {
  const { laptop, server, at } = await begin(t)
  await laptop.told(server, {
    deliveries: [await delivery(server, laptop, at(5), { safeThrough: 5, incarnation: life(1) })],
  })
  await laptop.told(server, {
    deliveries: [await delivery(server, laptop, at(5), { safeThrough: 0, incarnation: life(1) })],
  })
  t.same([laptop.those('delivered'), laptop.those('safe')], [[1, 2, 3, 4, 5], []])
})

t.test(
  'a receipt covers the batch that it names, and where it names another than ours, nothing: above a gap too',
  async (t) => {
    const { laptop, server, at } = await begin(t)
    const incarnation = life()
    const ofOther = [[4, 4, 'e'.repeat(64)] as [number, number, string]]
    t.same(
      await laptop.told(server, {
        deliveries: [await delivery(server, laptop, at(2), { incarnation, above: ofOther })],
      }),
      [],
    )
    t.same(laptop.those('delivered'), [1, 2], 'number 4 was sealed twice: ours is not there')
    const foreign = { ...at(4), digest: 'f'.repeat(64) }
    t.same(await laptop.told(server, { deliveries: [await delivery(server, laptop, foreign, { incarnation })] }), [
      'BATCH_CONFLICT',
    ])
    t.same(laptop.those('delivered'), [1, 2], 'what was named as ours stays')
    t.same(
      await laptop.told(server, {
        deliveries: [await delivery(server, laptop, at(3), { incarnation, above: [[5, 5, at(5).digest]] })],
      }),
      [],
    )
    t.same(laptop.those('delivered'), [1, 2, 3, 5])
  },
)

t.test(
  'several servers: what any has is delivered; one that the study document drops does not count any more',
  async (t) => {
    const { laptop, server, at, study } = await begin(t)
    const second = await study.enrol('server', 'second')
    const named = await study.publish(({ servers }) => ({ servers: [...servers, second.device] }))
    await laptop.told(server, {
      studyDocument: named,
      deliveries: [await delivery(server, laptop, at(2), { safeThrough: 1 })],
    })
    const wider = await delivery(second, laptop, at(4), { safeThrough: 3 })
    t.same(await laptop.told(second, { deliveries: [wider] }), [])
    t.same(
      [laptop.those('delivered'), laptop.those('safe')],
      [
        [1, 2, 3, 4],
        [1, 2, 3],
      ],
    )
    const dropped = await study.publish(({ servers }) => ({ servers: servers.filter((one) => one !== second.device) }))
    t.same(await laptop.told(server, { studyDocument: dropped }), [])
    t.same([laptop.those('delivered'), laptop.those('safe')], [[1, 2], [1]])
    t.equal(await laptop.verify(), 5)
    const back = await study.publish(({ servers }) => ({ servers: [...servers, second.device] }))
    t.same(await laptop.told(server, { studyDocument: back }), [])
    t.same(laptop.those('delivered'), [1, 2, 3, 4], 'named again, its receipt is still here')
  },
)

t.test('a study document that another program put here counts before the next batch is sealed', async (t) => {
  const { laptop, server, at, study } = await begin(t)
  await laptop.told(server, { deliveries: [await delivery(server, laptop, at(2))] })
  const dropped = await study.publish(() => ({ servers: [] }))
  await laptop.shelf.take(dropped)
  await laptop.sealer.tick()
  t.same(laptop.those('delivered'), [])
})

t.test('custody: one bad receipt spoils no other, and none for what is not ours is kept', async (t) => {
  const { laptop, relay, other, server, at } = await begin(t)
  await laptop.told(relay, {})
  await laptop.told(other, {})
  const give = (...receipts: string[]) => takeCustody(laptop.store, laptop.trust, laptop.id, relay.device, receipts)
  const { taken, problems } = await give(
    await custody(relay, laptop, at(1)),
    forged(await custody(relay, laptop, at(2))),
    await custody(other, laptop, at(2)),
    await custody(relay, laptop, at(2), { by: server.device }),
    await custody(relay, laptop, at(2), { from: other.device }),
    await custody(relay, laptop, at(2), { prev: at(1).digest }),
    await custody(relay, laptop, { digest: 'a'.repeat(64) }),
    await custody(relay, laptop, at(3)),
    await custody(relay, laptop, at(3)),
  )
  t.equal(taken, 3)
  t.same(
    problems.map(({ code }) => code),
    ['SIGNATURE_INVALID', 'ROLE_REFUSED', 'SIGNATURE_INVALID', 'PROVENANCE_BROKEN', 'PROVENANCE_BROKEN'],
  )
  t.same(laptop.those('carried'), [1, 3])
  t.equal(laptop.count('custody_receipts'), 2)
})

t.test(
  "invariant 9: what a restored server once signed for is not called the clinic's, until it signs again",
  async (t) => {
    const { laptop, relay, server, at } = await begin(t)
    const receipt = await custody(server, laptop, at(1))
    const hopTwo = { hop: 2, from: relay.device, prev: 'b'.repeat(64) }
    await laptop.told(server, { custody: [receipt, await custody(server, laptop, at(2), hopTwo)] })
    await laptop.told(relay, { custody: [await custody(relay, laptop, at(2))] })
    t.equal(laptop.status().counts.atServer.batches, 2)
    await laptop.told(server, { gaps: [await gaps(server, laptop, at(1).chain, { incarnation: life(1) })] })
    await laptop.told(server, {
      gaps: [await gaps(server, laptop, at(1).chain, { incarnation: life(2), witnessed: 5 })],
    })
    const { sealed, withDriver, atServer } = laptop.status().counts
    t.same([sealed.batches, withDriver.batches, atServer.batches], [4, 1, 0])
    await laptop.told(relay, { custody: [receipt] })
    t.equal(laptop.status().counts.atServer.batches, 0, 'a courier shows the old receipt')
    await laptop.told(server, { custody: [receipt] })
    t.equal(laptop.status().counts.atServer.batches, 1, 'the server itself gives it again')
  },
)

t.test('invariant 9: status tells every state apart, and adds up', async (t) => {
  const { laptop, relay, server, at } = await begin(t)
  await laptop.record({ id: 'waits', model: 'clinic.visit', action: 'insert', pk: 1 })
  await laptop.told(relay, { custody: [await custody(relay, laptop, at(3)), await custody(relay, laptop, at(4))] })
  await laptop.told(server, {
    custody: [await custody(server, laptop, at(4), { hop: 2, from: relay.device, prev: 'b'.repeat(64) })],
  })
  const incarnation = life()
  await laptop.told(server, { deliveries: [await delivery(server, laptop, at(2), { incarnation, safeThrough: 1 })] })
  const figures = () =>
    Object.fromEntries(Object.entries(laptop.status().counts).map(([state, { changes }]) => [state, changes]))
  t.same(figures(), { outbox: 1, sealed: 1, withDriver: 1, atServer: 1, delivered: 2, safe: 1, pruned: 0, missing: 0 })
  laptop.store.$client.prepare('UPDATE batches SET pruned = 1 WHERE seq = 1').run()
  await laptop.told(server, {
    deliveries: [await delivery(server, laptop, { ...at(1), seq: 0 }, { throughDigest: null, incarnation: life(2) })],
  })
  t.same(figures(), { outbox: 1, sealed: 2, withDriver: 2, atServer: 0, delivered: 0, safe: 0, pruned: 1, missing: 1 })
  const { couriers } = laptop.status()
  t.same(
    couriers.map(({ name, changes }) => [name, changes]),
    [['driver', 2]],
  )
})
