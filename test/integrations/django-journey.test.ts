import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import type { StudyDocument } from '../../shared/protocol/study-document.ts'
import { readRuntime } from '../../shared/service/runtime.ts'
import { Day } from '../fixtures/day.ts'
import { cannotRunDjango, DjangoStudy } from '../fixtures/django-study.ts'
import { until } from '../fixtures/until.ts'

t.setTimeout(300_000)
const why = await cannotRunDjango('sqlite')

t.test('from a study app to the clinic’s, by way of Waybill', why === undefined ? {} : { skip: why }, async (t) => {
  const app = startStudy(t)
  const day = await Day.begin(t)
  const laptop = await day.study.enrol('field', 'lap-01')
  const { models } = JSON.parse(readFileSync(app.registry(), 'utf8')) as Pick<StudyDocument, 'models'>
  await day.study.publish(({ limits }) => ({ models, limits: { ...limits, sealAfterSeconds: 1 } }))
  await day.start(day.server, ['--app-database', `sqlite://${app.databases.clinic}`])
  const servers = ['--servers', `127.0.0.1:${readRuntime(day.server.data)?.ports.port}`]
  const flags = ['--app-database', `sqlite://${app.databases.default}`, ...servers]

  const daemon = await day.start(laptop, flags)
  app.python('study_day.py', 'morning')
  await untilThere(app)
  t.match(app.apply(), { refused: 0, waiting: 0 }, 'the morning')
  t.strictSame(app.show('clinic'), app.show('default'), 'the same records, sets and histories')
  t.equal(app.show('clinic')['study_app.crf']?.length, 2)

  await daemon.kill()
  app.python('study_day.py', 'afternoon')
  await day.start(laptop, flags)
  await untilThere(app)
  t.match(app.apply(), { refused: 0, waiting: 0 }, 'the afternoon')
  t.strictSame(app.show('clinic'), app.show('default'), 'removals and deletes as well')
  t.equal(app.show('clinic')['study_app.crf']?.length, 1)
  t.equal(app.show('clinic')['study_app.membership']?.length, 0)
  t.equal(app.told('clinic'), 0, 'what was applied is not told again')
})

function startStudy(t: Test): DjangoStudy {
  const folder = mkdtempSync(join(tmpdir(), 'waybill-django-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return new DjangoStudy(folder)
}

/** The newest change of every record that the laptop's app told of is in the clinic's inbox. */
async function untilThere({ databases }: DjangoStudy): Promise<void> {
  const laptop = new Database(databases.default, { readonly: true })
  const told = laptop
    .prepare<[], string>('SELECT change_id, max(position) FROM waybill_outbox GROUP BY model, pk')
    .pluck()
    .all()
  laptop.close()
  const clinic = new Database(databases.clinic, { readonly: true })
  const isHere = clinic.prepare<[string], number>('SELECT 1 FROM waybill_inbox WHERE change_id = ?').pluck()
  const missing = () => told.filter((id) => isHere.get(id) === undefined)
  const tell = () => `${missing().length} of ${told.length} are missing`
  await until('all is in the inbox', () => missing().length === 0, { tell }).finally(() => clinic.close())
}
