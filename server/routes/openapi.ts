import { type AppDoor, appDoors } from './app-doors.ts'
import { Refusal } from './app-schemas.ts'

/** The OpenAPI 3.1 document of the doors for apps, made of the schemas by which they check. */
export function openApi(version: string): Record<string, unknown> {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Waybill server',
      version,
      description:
        'What an app can read from the server, over HTTPS with a bearer token (waybill token create). Feeds are NDJSON; every entry bears the cursor after which to go on.',
      license: { name: 'GPL-3.0-or-later', identifier: 'GPL-3.0-or-later' },
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }],
    paths: Object.fromEntries(Object.entries(appDoors).map(([name, door]) => pathOf(name, door))),
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: { Refusal },
      responses: {
        refusal: { description: 'Refused, by its code.', content: { 'application/json': { schema: refusal } } },
      },
    },
  }
}

const refusal = { $ref: '#/components/schemas/Refusal' }

function pathOf(operationId: string, { path, summary, params, querystring, answer }: AppDoor): [string, object] {
  const parameters = [
    ...Object.entries(params.properties).map(([name, schema]) => ({ name, in: 'path', required: true, schema })),
    ...Object.entries(querystring.properties).map(([name, schema]) => ({ name, in: 'query', required: false, schema })),
  ]
  const { type, schema, what } = answer
  const responses = {
    200: { description: what, content: { [type]: { schema } } },
    default: { $ref: '#/components/responses/refusal' },
  }
  return [path.replace(/:(\w+)/g, '{$1}'), { get: { operationId, summary, parameters, responses } }]
}
