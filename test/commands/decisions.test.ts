import { writeFileSync } from 'node:fs'
import t from 'tap'
import { Deciding } from '../fixtures/decisions.ts'
import { Desk } from './desk.ts'

t.setTimeout(300_000)

const models = {
  'clinic.subject': { naturalKey: ['identifier'], hidden: ['secret'] },
  'clinic.visit': { naturalKey: ['code'], dependsOn: { subject: 'clinic.subject' } },
}
const subject = { model: 'clinic.subject', pk: 's1', naturalKey: ['S-1'] }

t.test('a data manager at the command line, beside the running server', async (t) => {
  const deciding = await Deciding.begin(t, models)
  const desk = new Desk(t)
  const { data } = deciding.server.device
  const waybill = (...args: string[]) => desk.do([...args, '--data', data])
  t.equal(await waybill('quarantine', 'list'), 'Every change that was opened is applied, or is about to be.\n')
  t.equal(await waybill('conflicts', 'list'), 'No record is in conflict.\n')
  t.equal(await waybill('merge', 'list'), 'No two records bear one natural key.\n')
  t.equal(await waybill('quarantine', 'list', '--json'), '[]\n')

  await deciding.bring(0, { id: 'a', ...subject, fields: { age: 30, secret: 'NEVER-SHOWN' } })
  await deciding.bring(0, { id: 'b', ...subject, action: 'update', fields: { age: 31, secret: 'NEVER-SHOWN-1' } })
  await deciding.bring(1, {
    id: 'c',
    ...subject,
    action: 'update',
    fields: { age: 32, secret: 'NEVER-SHOWN-2' },
    base: ['a'],
  })
  const visit = { id: 'v', model: 'clinic.visit', pk: 'v1', naturalKey: ['1000'], fields: { subject: ['S-9'] } }
  await deciding.bring(
    1,
    visit,
    { id: 'd', ...subject, pk: 's2', fields: { age: 1 } },
    { id: 'w', ...subject, pk: 's3', naturalKey: [] },
  )

  const aside = await waybill('quarantine', 'list')
  t.match(aside, /waits +clinic\.visit +v1 +lap-02 +20\S+ +WAITING_FOR_PARENT/)
  t.match(aside, /set aside +clinic\.subject +s3 +lap-02 +20\S+ +CHANGE_UNAPPLICABLE/)
  t.match(
    await waybill('quarantine', 'show', 'v'),
    /change v of clinic\.visit v1: waiting, WAITING_FOR_PARENT[\s\S]*"pk": "v1"/,
  )
  t.match(
    await waybill('quarantine', 'discard', 'w', '--reason', 'entered twice', '--as', 'Naledi'),
    /^Decided and signed: decision-\w+\. The server applies it within seconds\.\n$/,
  )
  t.match(JSON.parse(await waybill('quarantine', 'retry', 'v', '--reason', 'try', '--json')), {
    decision: /^decision-/,
  })

  const shown = await waybill('conflicts', 'show', 'clinic.subject', 's1')
  t.match(shown, /clinic\.subject s1: 2 versions/)
  t.match(shown, /\nage +3[12] +3[12]\n/)
  t.match(shown, /\nsecret +\(hidden\) +\(hidden\)\n/)
  t.notMatch(shown, /NEVER-SHOWN/)
  writeFileSync(desk.path('fields.json'), '{"age": 33, "big": 12345678901234567890}')
  const resolve = ['conflicts', 'resolve', 'clinic.subject', 's1', '--fields', desk.path('fields.json'), '--data', data]
  await desk.refused([...resolve, '--reason', 'x'], 'CHANGE_INVALID', /\/big/)
  writeFileSync(desk.path('fields.json'), '{"age": 33}')
  await desk.refused(resolve, 'BAD_ARGUMENT', /--reason/)
  await desk.refused([...resolve, '--reason', ' '], 'BAD_ARGUMENT', /reason: one line/)
  await desk.do([...resolve, '--reason', 'seen on paper', '--as', 'Naledi'])

  t.match(await waybill('merge', 'list'), /clinic\.subject +\["S-1"\] +s1 s2/)
  await desk.do(['merge', 'clinic.subject', 's1', 's2', '--reason', 'one person', '--as', 'Naledi', '--data', data])
  await desk.refused(['merge', 'clinic.subject', 's1', 's2', '--data', data], 'BAD_ARGUMENT', /reason: one line/)
  await deciding.settled()
  const { merges, duplicates } = JSON.parse(await waybill('merge', 'list', '--json'))
  t.match([merges, duplicates], [[{ pks: ['s1', 's2'], user: 'Naledi', reason: 'one person' }], []])
  t.match(await waybill('merge', 'list'), /Merges in force:[\s\S]*s1 s2 +Naledi +20\S+ +one person/)
  await waybill('merge', 'retract', merges[0].merge.slice(0, 12), '--reason', 'twins')
  await desk.refused(
    ['merge', 'clinic.subject', '--reason', 'x', '--data', data],
    'BAD_ARGUMENT',
    /missing required argument 'pk'/,
  )
  await deciding.settled()
  t.match(await deciding.record('clinic.subject', 's1'), {
    fields: { age: 33 },
    user: 'Naledi',
    conflict: false,
    pks: ['s1'],
  })

  await deciding.server.stop()
  t.match(
    await waybill('quarantine', 'discard', 'v', '--reason', 'no subject'),
    /It is applied when the server runs again\./,
  )
  t.match(await waybill('quarantine', 'list'), /\(discard is decided, and not applied yet\)/)
})
