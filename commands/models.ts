import { type Command, Option } from 'commander'
import { checkModels } from './models-check.ts'
import { listModels } from './models-list.ts'
import { dataOption, directory, examples, jsonOption } from './options.ts'

export function addModels(waybill: Command): void {
  const models = waybill
    .command('models')
    .description('the registry of models: what the study says of them, and what is wrong with it')
  const list = models
    .command('list')
    .description('list the models that are registered, and those that were seen and are not')
    .addOption(dataOption())
    .option('--app <label>', 'only models of this app')
    .addOption(new Option('--offline', 'only models that laptops record').conflicts('notOffline'))
    .addOption(new Option('--not-offline', 'only the others, and what is not registered'))
    .option('--no-historical', 'leave out those that django-simple-history makes')
    .addOption(jsonOption())
    .action(listModels)
  const check = models
    .command('check <file>')
    .description('tell what is wrong with a registry, by field, before it is published; exit 1 where something is')
    .addOption(
      new Option(
        '--data <dir>',
        "compare the models with the newest changes that were opened in this server's data directory",
      ).argParser(directory),
    )
    .option('--samples <file>', 'compare the models with these changes: NDJSON, or what dumpdata writes')
    .addOption(jsonOption())
    .action(checkModels)
  examples(
    list,
    'waybill models list --data /srv/waybill',
    'waybill models list --app clinic --not-offline --no-historical',
  )
  examples(
    check,
    'waybill models check study.json --data /srv/waybill',
    'waybill models check study.json --samples changes.ndjson',
  )
}
