import t from 'tap'
import { newNonce } from '../../../shared/crypto/digest.ts'
import { signerOf } from '../../../shared/crypto/identity.ts'
import { readDocument } from '../../../shared/crypto/read-document.ts'
import { signDocument } from '../../../shared/crypto/sign-document.ts'
import type { Asked } from '../../../shared/handover/desk.ts'
import type { Act, Deed, Handover, HandoverExchange } from '../../../shared/protocol/handover.ts'
import { StudyShelf } from '../../../shared/storage/study-shelf.ts'
import { craftHandover, craftSignature } from '../../fixtures/craft-handover.ts'
import { begun, exchange, line, settle, type TwoDesks, twoDesks } from '../../fixtures/desks.ts'
import type { TestDevice } from '../../fixtures/study.ts'

const scan = (read: string): Asked => ({ kind: 'scan', read, typed: false })
const plain = { pin: null, agrees: true, remark: null }
const at = '2026-11-24T12:00:00.000Z'

/** An act that a taker who means ill tells. */
function act(device: string, number: number, change: Partial<Act> = {}): Act {
  const deed: Deed = { kind: 'scan', text: 'REQ0001', typed: false, told: 'present' }
  return { device, number, after: number, at, person: null, deed, ...change }
}

/** What the giver made of a question with more in it. */
async function tell({ giver, taker }: TwoDesks, id: string, more: object): Promise<{ codes: string[]; why: string }> {
  giver.refused = []
  await giver.desk.answer(taker.device, { ...taker.desk.ask(id), ...more } as HandoverExchange)
  return { codes: giver.refused.map(({ code }) => code), why: giver.refused.map(({ message }) => message).join('\n') }
}

t.test('acts that cannot be are refused, each on its own', async (t) => {
  const two = await twoDesks(t, [line('1')])
  const { giver, taker } = two
  const id = await begun(two)
  const own = taker.device
  const count = (key: object) => ({ deed: { kind: 'count', line: key, old: null, new: 1 } }) as Partial<Act>
  const bad: [unknown, RegExp][] = [
    [act('f'.repeat(32), 1), /neither laptop/],
    [act(own, 2), /an act before it is missing/],
    [act(own, 1, { after: 5001 }), /more than a handover holds/],
    [act(own, 1, count({ model: 'lab.other', pk: '1' })), /no requisition is a lab.other/],
    [act(own, 1, count({ model: '__proto__', pk: '1' })), /no requisition is/],
    [{ ...act(own, 1), deed: { kind: 'burn' } }, /deed/],
    [{ ...act(own, 1), at: 'today' }, /\/at/],
    [act(own, 1, { deed: { kind: 'scan', text: '\ud800', typed: false, told: 'x' } }), /cannot be signed/],
    [{ ...act(own, 1), more: 'x'.repeat(5000) }, /cannot be signed/],
    [{ ...act(own, 1), more: 2 ** 60 }, /cannot be signed/],
    [act(own, 1, { deed: { kind: 'temperature', old: null, new: 1e300 } }), /deed/],
    [null, /Expected object/],
    ['act', /Expected object/],
  ]
  for (const [one, why] of bad) {
    const told = await tell(two, id, { acts: [one] })
    t.strictSame(told.codes, ['ACT_REFUSED'])
    t.match(told.why, why)
  }
  const told = await tell(two, id, { acts: [...bad.map(([one]) => one), act(own, 1), act(own, 2)] })
  t.equal(told.codes.length, bad.length, 'nothing else is stopped')
  t.strictSame(giver.desk.ask(id).seen, { [own]: 2 })
  const again = await tell(two, id, {
    acts: [act(own, 1), act(own, 1, { at: '2026-11-24T12:00:01.000Z' }), act(own, 3, { after: 2 })],
  })
  t.match(again.why, /another act of that number.*\n.*does not come after/, 'an exact repeat is nothing new')
})

t.test('a laptop makes only so many acts', async (t) => {
  const two = await twoDesks(t, [line('1')])
  const id = await begun(two)
  const acts = Array.from({ length: 2600 }, (_, n) => act(two.taker.device, n + 1))
  const { codes } = await tell(two, id, { acts })
  t.equal(codes.length, 100)
  t.strictSame(two.giver.desk.ask(id).seen, { [two.taker.device]: 2500 })
  t.match(two.giver.desk.act(id, scan('REQ0001')), { told: 'again' }, 'the other one still can')
})

t.test('a question of other laptops, or of another beginning, is not answered', async (t) => {
  const two = await twoDesks(t, [line('1')])
  const { giver, taker } = two
  const id = await begun(two)
  const asked = taker.desk.ask(id)
  const rejects = (from: string, told: object, code: string) =>
    t.rejects(giver.desk.answer(from, { ...asked, ...told } as HandoverExchange), { code }, JSON.stringify(told))
  await rejects('e'.repeat(32), {}, 'ROLE_REFUSED')
  await rejects(taker.device, { head: { ...asked.head, giver: 'e'.repeat(32) } }, 'ROLE_REFUSED')
  await rejects(giver.device, { head: { ...asked.head, taker: giver.device } }, 'ROLE_REFUSED')
  await rejects(taker.device, { head: { ...asked.head, began: '2026-11-24T12:00:01.000Z' } }, 'BAD_REQUEST')
  await rejects(taker.device, { acts: 'all' }, 'BAD_REQUEST')
  await rejects(taker.device, { seen: { me: 1 }, have: ['x'] }, 'BAD_REQUEST')
  await rejects(taker.device, { acts: Array.from({ length: 5001 }, () => null) }, 'BAD_REQUEST')
  const answer = await giver.desk.answer(taker.device, asked)
  await t.rejects(taker.desk.take(id, 'e'.repeat(32), answer), { code: 'ROLE_REFUSED' })
  await t.rejects(taker.desk.take(id, giver.device, { ...answer, head: { ...answer.head, id: newNonce() } }), {
    code: 'BAD_REQUEST',
  })
  await t.rejects(taker.desk.take(newNonce(), giver.device, answer), { code: 'NOT_FOUND' })
  await t.rejects(taker.desk.answer(giver.device, answer), { code: 'ROLE_REFUSED' }, 'the giver is never asked back')
})

t.test('forged revisions and signatures', async (t) => {
  const two = await twoDesks(t, [line('1')])
  const { giver, taker, study } = two
  const [field, relay] = [giver.enrolled, taker.enrolled]
  const foreign = await study.enrol('relay', 'Another driver')
  const id = await begun(two)
  giver.desk.act(id, scan('REQ0001'))
  await settle(two, id)
  await taker.desk.sign(id, plain)
  const { head, seen } = taker.desk.ask(id)
  const made = { ...head, acts: [] }
  const [revision] = taker.desk.view(id).revisions
  const named = { id, revision: 1 }
  const digest = revision?.digest ?? ''
  const credentials = [foreign.identity.credential, foreign.identity.issuerCredential]
  const craft = (signer: TestDevice, more: Partial<Handover> = {}) =>
    craftHandover({ giver: field, taker: relay, signer }, { ...made, ...more })
  const documents: [string, Promise<{ jws: string }>, string, RegExp][] = [
    ['signed by a third laptop', craft(foreign), 'ROLE_REFUSED', /signed by/],
    ['of another handover', craft(relay, { id: newNonce() }), 'BAD_DOCUMENT', /another handover/],
    ['that began otherwise', craft(relay, { began: at.replace('12', '11') }), 'BAD_DOCUMENT', /another handover/],
    ['between others', craft(relay, { giver: foreign.device }), 'BAD_DOCUMENT', /another handover/],
    [
      'that follows nothing',
      craft(relay, { revision: 2, previous: 'a'.repeat(64) }),
      'BAD_DOCUMENT',
      /does not follow/,
    ],
    ['the first, after another', craft(relay, { previous: digest }), 'BAD_DOCUMENT', /does not follow/],
    [
      'a million revisions on',
      craft(relay, { revision: 1_000_000, previous: null }),
      'BAD_DOCUMENT',
      /does not follow/,
    ],
    [
      'that tells what we never did',
      craft(relay, { acts: [act(giver.device, 2)] }),
      'BAD_DOCUMENT',
      /otherwise than it was/,
    ],
    [
      'that tells what we did otherwise',
      craft(relay, { acts: [act(giver.device, 1, { typedBy: 'us' } as object)] }),
      'BAD_DOCUMENT',
      /otherwise than it was/,
    ],
    ['a signature under nothing', craftSignature(relay, 'a'.repeat(64), named), 'BAD_DOCUMENT', /no revision/],
    ['of a third laptop', craftSignature(foreign, digest, named), 'BAD_DOCUMENT', /neither laptop/],
    ["in the giver's name", craftSignature(relay, digest, { ...named, by: giver.device }), 'ROLE_REFUSED', /signed by/],
    [
      'that means another thing',
      craftSignature(relay, digest, { ...named, meaning: 'handedOver' }),
      'ROLE_REFUSED',
      /signed by/,
    ],
    ['of another revision', craftSignature(relay, digest, { ...named, revision: 2 }), 'BAD_DOCUMENT', /no revision/],
  ]
  await exchange(two, id)
  const before = giver.desk.view(id)
  for (const [what, document, code, why] of documents) {
    const { jws } = await document
    const told = await tell(two, id, { documents: [jws], credentials })
    t.strictSame(told.codes, [code], `${what}: ${told.why}`)
    t.match(told.why, why, what)
  }
  const { jws } = await craft(relay)
  const swapped = `${jws.slice(0, jws.lastIndexOf('.'))}.${(await craft(relay, { at })).jws.split('.')[2]}`
  const nobody = await signDocument('handover', readDocument(jws, 'handover').document, {
    ...signerOf(relay.identity),
    kid: 'a'.repeat(64),
  })
  const odd = [swapped, nobody.jws, '', 'a.b.c', 'x'.repeat(2_000_000), relay.identity.credential]
  const told = await tell(two, id, { documents: odd, credentials: ['', 'a.b.c'] })
  t.strictSame(told.codes.slice(2), ['SIGNATURE_INVALID', 'CREDENTIAL_REFUSED', ...Array(4).fill('BAD_DOCUMENT')])
  t.strictSame(giver.desk.view(id).revisions, before.revisions, 'none of them was kept')
  t.strictSame(giver.desk.ask(id).seen, seen)
  t.strictSame(giver.signed.length, 1, 'and no line was closed')
})

t.test('invariant 7: what a revoked laptop signed is not taken any more', async (t) => {
  const two = await twoDesks(t, [line('1')])
  const { giver, taker, study } = two
  const id = await begun(two)
  await taker.desk.sign(id, plain)
  const jws = await study.publish(() => ({ revocations: [{ device: taker.device, chains: [], reason: 'stolen' }] }))
  const { version } = readDocument(jws, 'study').document
  await StudyShelf.put(giver.enrolled.data, { jws, version })
  await giver.reopen()
  const { documents, credentials } = await givenBy(two, id)
  const told = await tell(two, id, { documents, credentials })
  t.strictSame(told.codes, ['REVOKED', 'REVOKED'])
  t.strictSame(giver.desk.view(id).revisions, [])
})

t.test('a laptop restored from an old disk gets its own acts and documents back', async (t) => {
  const two = await twoDesks(t, [line('1'), line('2')])
  const { giver, taker } = two
  const id = await begun(two)
  giver.desk.act(id, scan('REQ0001'))
  await giver.desk.sign(id, plain)
  await settle(two, id)
  const shown = giver.desk.view(id)
  await giver.reopen('another-disk')
  giver.closed.clear()
  await settle(two, id)
  t.strictSame(giver.desk.view(id), shown)
  t.strictSame(giver.refused, [])
  t.equal(giver.signed.length, 2, 'its lines are closed again')
  t.match(giver.desk.act(id, scan('REQ0002')), { told: 'present' })
  await settle(two, id)
  t.equal(taker.desk.view(id).counts.present, 2)
  await taker.reopen('another-disk')
  t.throws(() => taker.desk.view(id), { code: 'NOT_FOUND' }, 'the driver begins anew')
})

t.test('the program dies between storing and answering: all that was acknowledged is there', async (t) => {
  const two = await twoDesks(t, [line('1'), line('2')])
  const { giver, taker } = two
  const id = await begun(two)
  taker.desk.act(id, scan('REQ0001'))
  await taker.reopen()
  t.equal(taker.desk.view(id).counts.present, 1, 'a scan that was answered')
  await exchange(two, id)
  // The giver stores, and dies before its answer is heard.
  const asked = taker.desk.ask(id)
  t.equal(asked.acts.length, 1)
  await giver.desk.answer(taker.device, asked)
  await giver.reopen()
  t.equal(giver.desk.view(id).counts.present, 1)
  giver.desk.act(id, scan('REQ0002'))
  await giver.desk.sign(id, plain)
  const answer = await giver.desk.answer(taker.device, asked)
  await taker.desk.take(id, giver.device, answer)
  await taker.reopen()
  t.match(taker.desk.view(id), { signed: 'one', counts: { present: 2 } }, 'what was taken')
  await settle(two, id)
  t.strictSame(taker.desk.view(id).revisions, giver.desk.view(id).revisions)
})

t.test('what the other laptop has is not told again', async (t) => {
  const two = await twoDesks(t, [line('1')])
  const { giver, taker } = two
  const id = await begun(two)
  taker.desk.act(id, scan('REQ0001'))
  giver.desk.act(id, scan('REQ0001'))
  await taker.desk.sign(id, plain)
  t.match(taker.desk.ask(id), { acts: [{ number: 1 }], documents: [/^ey/, /^ey/], credentials: [/^ey/, /^ey/] })
  await settle(two, id)
  const asked = taker.desk.ask(id)
  t.strictSame([asked.acts, asked.documents, asked.credentials], [[], [], []])
  const answer = await giver.desk.answer(taker.device, asked)
  t.strictSame([answer.acts, answer.documents, answer.credentials], [[], [], []])
  t.strictSame(answer.have.toSorted(), asked.have.toSorted())
})

/** What the taker would tell someone who has nothing. */
async function givenBy({ giver, taker }: TwoDesks, id: string): Promise<HandoverExchange> {
  const asked = taker.desk.ask(id)
  const nothing: HandoverExchange = { ...asked, seen: {}, have: [], acts: [], documents: [], credentials: [] }
  await taker.desk.take(id, giver.device, nothing)
  return taker.desk.ask(id)
}
