import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { findLines, type LineQuery } from '../../relay/find-lines.ts'
import { openRelayStore } from '../../relay/open-store.ts'
import { lines } from '../../relay/schema.ts'
import type { StudyDocument } from '../../shared/protocol/study-document.ts'

const [first, second] = ['a'.repeat(32), 'b'.repeat(32)]
const study = { devices: { [first]: { name: 'lap-01' }, [second]: { name: 'lap-02' } } } as unknown as StudyDocument
const nothing: LineQuery = {
  ...{ text: '', subject: '', requisition: '', specimen: '', laptop: '', date: '', confirmed: '', page: 1 },
}

t.test('all lines of all laptops: searched, filtered, a hundred at a time', async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'waybill-'))
  const store = openRelayStore(data)
  t.teardown(() => {
    store.$client.close()
    rmSync(data, { recursive: true, force: true })
  })
  const put = (producer: string, number: number, more: object = {}) => {
    const pk = `pk-${number}`
    const fields = { subject: `066-10${number}-3`, panel: number % 2 ? 'CD4' : 'Viral load', specimenType: '50%_EDTA' }
    const line = {
      ...{ requisition: `ABC-${1000 + number}`, model: 'm', pk, changeId: pk, action: 'insert', handedOver: null },
      ...{ doubtful: false, fields: { ...fields, drawnAt: `2026-11-0${(number % 9) + 1}T10:00:00.000Z` }, ...more },
    }
    store
      .insert(lines)
      .values({ producer, model: 'm', pk, line: JSON.stringify(line), served: true })
      .run()
  }
  for (let number = 0; number < 150; number++) put(first, number)
  for (let number = 150; number < 160; number++) put(second, number)
  put(second, 160, { action: 'delete' })
  put(second, 161, { requisition: null })
  put(second, 162, { handedOver: { handover: 'c'.repeat(32), changeId: 'x', at: '2026-11-01T10:00:00.000Z' } })
  const find = (query: Partial<LineQuery>, inHand: string[] = []) =>
    findLines(store.$client, study, inHand, { ...nothing, ...query })
  const labels = (query: Partial<LineQuery>) => find(query).lines.map(({ requisition }) => requisition)

  t.same([find({}).total, find({}).pages, find({}).lines.length], [162, 2, 100], 'a deleted requisition is not there')
  t.same([find({ page: 2 }).lines.length, find({ page: 999 }).page], [62, 2], 'beyond the last page is the last page')
  t.same(find({}).laptops, [
    { device: first, name: 'lap-01' },
    { device: second, name: 'lap-02' },
  ])
  t.equal(find({ laptop: second }).total, 12)
  t.same(labels({ requisition: 'abc1007' }), ['ABC-1007'], 'hyphens and letter case do not matter')
  t.same(labels({ text: 'abc-1007' }), ['ABC-1007'])
  t.same(labels({ text: '066-1042-3' }), ['ABC-1042'])
  t.same(labels({ subject: '066-1042' }), ['ABC-1042'])
  t.equal(find({ specimen: 'cd4' }).total, 81)
  t.equal(find({ specimen: '50%_e' }).total, 162, 'signs of a pattern are only letters')
  t.equal(find({ specimen: '%', text: "' OR 1=1 --" }).total, 0, 'what is written is only ever text')
  t.equal(find({ date: '2026-11-01' }).total, 19)
  const inHand = [JSON.stringify([first, 'm', 'pk-3'])]
  t.same(
    find({ confirmed: 'yes' }, inHand).lines.map(({ requisition, confirmed }) => [requisition, confirmed]),
    [
      ['ABC-1003', true],
      ['ABC-1162', true],
    ],
  )
  t.equal(find({ confirmed: 'no' }, inHand).total, 160)
})
