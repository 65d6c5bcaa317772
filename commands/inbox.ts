import { readFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { examples } from './options.ts'

/** One source: the Django app's migration runs these files. */
const sql = new URL('../integrations/django/waybill_django/sql/', import.meta.url)
const dialects = ['sqlite', 'postgresql', 'mariadb']

export function addInbox(waybill: Command): void {
  const inbox = waybill.command('inbox').description("the tables in the app's own database that a server fills for it")
  const ddl = inbox
    .command('ddl')
    .description('print the SQL that makes waybill_inbox and waybill_position; Django runs the same by itself')
    .addOption(new Option('--dialect <name>', 'whose SQL').choices(dialects).makeOptionMandatory())
    .action(({ dialect }: { dialect: string }) => {
      process.stdout.write(readFileSync(new URL(`inbox.${dialect}.sql`, sql), 'utf8'))
    })
  examples(ddl, 'waybill inbox ddl --dialect postgresql | psql clinic')
}
