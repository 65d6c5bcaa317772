import Database from 'better-sqlite3'
import t from 'tap'
import { Desk } from './desk.ts'

t.test('inbox ddl: SQL that makes the tables, more than once; another dialect is refused', async (t) => {
  const desk = new Desk(t)
  const sql = await desk.do(['inbox', 'ddl', '--dialect', 'sqlite'])
  const app = new Database(':memory:')
  t.teardown(() => app.close())
  app.exec(sql)
  app.exec(sql)
  const columns = app.pragma('table_info(waybill_inbox)') as Array<{ name: string }>
  t.equal(columns.length, 17)
  for (const dialect of ['postgresql', 'mariadb']) {
    const other = await desk.do(['inbox', 'ddl', '--dialect', dialect])
    for (const { name } of columns) t.match(other, new RegExp(`^  \`?${name}\`? `, 'm'), `${dialect}: ${name}`)
  }
  await desk.refused(['inbox', 'ddl', '--dialect', 'oracle'], 'BAD_ARGUMENT', /sqlite, postgresql, mariadb/)
  await desk.refused(['inbox', 'ddl'], 'BAD_ARGUMENT', /--dialect/)
})
