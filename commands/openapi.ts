import type { Command } from 'commander'
import { programVersion } from '../server/program-version.ts'
import { openApi } from '../server/routes/openapi.ts'
import { examples } from './options.ts'
import { sayJson } from './print.ts'

export function addOpenApi(waybill: Command): void {
  const command = waybill
    .command('openapi')
    .description("print the OpenAPI document of the server's doors for apps; it is served at /v1/openapi.json too")
    .action(() => sayJson(openApi(programVersion), 2))
  examples(command, 'waybill openapi > waybill.openapi.json')
}
