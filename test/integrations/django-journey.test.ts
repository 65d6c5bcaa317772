import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import type { Dialect } from '../../shared/app-database/app-database.ts'
import type { StudyDocument } from '../../shared/protocol/study-document.ts'
import { readRuntime } from '../../shared/service/runtime.ts'
import { dialects } from '../fixtures/app-databases.ts'
import { Day } from '../fixtures/day.ts'
import { cannotRunDjango, DjangoStudy } from '../fixtures/django-study.ts'
import { until } from '../fixtures/until.ts'

t.setTimeout(300_000)

const newest = `SELECT change_id FROM waybill_outbox o
  WHERE position = (SELECT max(position) FROM waybill_outbox WHERE model = o.model AND pk = o.pk)`
const doubled = 'SELECT change_id FROM waybill_inbox GROUP BY change_id HAVING count(*) > 1'

for (const dialect of dialects) {
  const why = await cannotRunDjango(dialect)
  t.test(
    `from a study app to the clinic’s, by way of Waybill, on ${dialect}`,
    why === undefined ? {} : { skip: why },
    (t) => journey(t, dialect),
  )
}

async function journey(t: Test, dialect: Dialect): Promise<void> {
  const app = await DjangoStudy.make(t, dialect)
  const day = await Day.begin(t)
  const laptop = await day.study.enrol('field', 'lap-01')
  const { models } = JSON.parse(readFileSync(app.registry(), 'utf8')) as Pick<StudyDocument, 'models'>
  await day.study.publish(({ limits }) => ({ models, limits: { ...limits, sealAfterSeconds: 1 } }))
  await day.start(day.server, ['--app-database', app.databases.clinic.url])
  const servers = ['--servers', `127.0.0.1:${readRuntime(day.server.data)?.ports.port}`]
  const flags = ['--app-database', app.databases.default.url, ...servers]

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
  t.equal(app.told('default'), 0, 'nothing is left behind')
  const inbox = app.databases.clinic.connect()
  t.strictSame(await inbox.query(doubled), [], 'invariant 2: each is there once')
  t.match(app.apply(), { applied: 0, refused: 0, waiting: 0 }, 'and is applied once')
}

/** The newest change of every record that the laptop's app told of is in the clinic's inbox. */
async function untilThere({ databases }: DjangoStudy): Promise<void> {
  const [laptop, clinic] = [databases.default.connect(), databases.clinic.connect()]
  const told = (await laptop.query(newest)).map(({ change_id }) => change_id)
  let missing = told
  const isAllHere = async () => {
    const here = new Set((await clinic.query('SELECT change_id FROM waybill_inbox')).map(({ change_id }) => change_id))
    missing = told.filter((id) => !here.has(id))
    return missing.length === 0
  }
  await until('all is in the inbox', isAllHere, { tell: () => `${missing.length} of ${told.length} are missing` })
}
