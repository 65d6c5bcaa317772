import { join } from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import { othersWriteTo } from '../../../shared/storage/database-state.ts'

t.test('what another program wrote is told once, and what this one wrote is not', async (t) => {
  const file = join(t.testdir(), 'waybill.sqlite')
  const [own, other] = [new Database(file), new Database(file)]
  t.teardown(() => [own, other].map((client) => client.close()))
  own.pragma('journal_mode = WAL')
  own.exec('CREATE TABLE decisions (what TEXT)')
  const haveOthersWritten = othersWriteTo(own)
  t.equal(haveOthersWritten(), false)
  own.exec("INSERT INTO decisions VALUES ('mine')")
  t.equal(haveOthersWritten(), false)
  other.exec("INSERT INTO decisions VALUES ('theirs')")
  t.equal(haveOthersWritten(), true)
  t.equal(haveOthersWritten(), false)
})
