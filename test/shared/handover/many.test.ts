import t from 'tap'
import { readDocument } from '../../../shared/crypto/read-document.ts'
import { mostContentBytes } from '../../../shared/handover/content.ts'
import type { Asked } from '../../../shared/handover/desk.ts'
import { begun, line, settle, twoDesks } from '../../fixtures/desks.ts'

const scan = (read: string): Asked => ({ kind: 'scan', read, typed: false })
const plain = { pin: null, agrees: true, remark: null }
const labels = (count: number) => Array.from({ length: count }, (_, n) => `${n}`.padStart(4, '0'))

/** As long as in an app. */
const wide = (pk: string) =>
  line(pk, {
    ...{
      pk: `8f14e45f-ceea-467f-a0e6-${pk.padStart(12, '0')}`,
      changeId: `c9f0f895-fb98-4ab9-a159-${pk.padStart(12, '0')}`,
    },
    fields: {
      tubes: 2,
      isDrawn: 'Yes',
      subject: '066-1400001-1',
      panel: 'Viral load',
      drawnAt: '2026-11-24T08:00:00Z',
    },
  })

t.test('400 tubes of 2,000 lines: one document holds it all', async (t) => {
  const two = await twoDesks(t, labels(2000).map(wide))
  const { giver, taker } = two
  const id = await begun(two)
  taker.desk.takeShift({ id: 'thabo', name: 'Thabo' })
  for (const pk of labels(400)) taker.desk.act(id, scan(`req-${pk}`))
  await settle(two, id)
  t.match(giver.desk.view(id).counts, { present: 400, notYetScanned: 1600 })
  await taker.desk.sign(id, plain)
  await settle(two, id)
  t.match(await giver.desk.sign(id, plain), { signed: 'both', isClosed: true })
  const { jws } = giver.store.$client.prepare('SELECT jws FROM desk_revisions').get() as { jws: string }
  const { lines, acts } = readDocument(jws, 'handover').document
  t.equal(acts.length, 400)
  t.equal(lines.filter(({ state }) => state === 'present').length, 400)
  t.ok(lines.length > 1000, `of those nobody scanned, as many as there was room for: ${lines.length - 400}`)
  t.match(giver.desk.partners(), [{ expected: 1600 }])
})

t.test('a handover that is full says so before it cannot be signed; the rest goes in another', async (t) => {
  const two = await twoDesks(t, labels(2000).map(wide))
  const { giver, taker } = two
  const id = await begun(two)
  const fill = labels(1900)
  let full = 0
  for (const pk of fill)
    try {
      taker.desk.act(id, { kind: 'missing', line: wide(pk), reason: 'leaked', text: 'ж'.repeat(200) })
      full += 1
    } catch (error) {
      t.match(error, { code: 'HANDOVER_FULL' })
      break
    }
  t.ok(full > 300 && full < 1900, `after ${full}`)
  const signed = await taker.desk.sign(id, plain)
  t.equal(signed.revisions[0]?.handover.acts.length, full)
  t.ok(Buffer.byteLength(JSON.stringify(signed.revisions[0]?.handover)) < mostContentBytes + 10_000)
  await settle(two, id)
  t.match(await giver.desk.sign(id, plain), { isClosed: true })
  await settle(two, id)
  const next = taker.desk.begin(giver.device)
  taker.lines = giver.lines.filter((one) => giver.closed.get(`${one.model} ${one.pk}`) === undefined)
  t.match(taker.desk.act(next, scan(`REQ${fill[full]}`)), { told: 'present' })
})

t.test('10,000 lines: the first ones are shown, all are counted, and it can be signed', async (t) => {
  const two = await twoDesks(t, labels(10_000).map(wide))
  const id = await begun(two)
  const began = performance.now()
  two.taker.desk.act(id, scan('REQ9999'))
  t.comment(`a scan among 10,000 lines: ${(performance.now() - began).toFixed(1)} ms`)
  const { tubes, unlisted, counts } = two.taker.desk.view(id)
  t.match(counts, { present: 1, notYetScanned: 9_999 })
  t.same([tubes.length, unlisted], [501, 9_499])
  const { revisions } = await two.taker.desk.sign(id, plain)
  t.ok((revisions[0]?.handover.lines.length ?? 0) <= 2000)
  t.match(
    revisions[0]?.handover.lines.filter(({ state }) => state === 'present'),
    [{ requisition: 'REQ9999' }],
  )
  t.equal(two.taker.desk.view(id).isChangedSince, false)
})
