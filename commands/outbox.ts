import { readFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { examples } from './options.ts'

const dialects = ['sqlite', 'postgresql', 'mariadb']

export function addOutbox(waybill: Command): void {
  const outbox = waybill.command('outbox').description("the table in the app's own database that a field laptop reads")
  const ddl = outbox
    .command('ddl')
    .description('print the SQL that makes the table; the app fills it in its own transaction')
    .addOption(
      new Option('--dialect <dialect>', "the app's database; mariadb is also for MySQL")
        .choices(dialects)
        .makeOptionMandatory(),
    )
    .action(printDdl)
  examples(
    ddl,
    'waybill outbox ddl --dialect postgresql | psql study',
    'waybill outbox ddl --dialect sqlite | sqlite3 /srv/app/db.sqlite3',
  )
}

function printDdl({ dialect }: { dialect: string }): void {
  const file = new URL(`../integrations/django/waybill_django/sql/outbox.${dialect}.sql`, import.meta.url)
  process.stdout.write(readFileSync(file, 'utf8'))
}
