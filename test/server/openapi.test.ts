import { Validator } from '@seriousme/openapi-schema-validator'
import type { TSchema } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import t from 'tap'
import { type AppDoor, appDoors } from '../../server/routes/app-doors.ts'
import { type AppVerbs, appRoutes } from '../../server/routes/app-routes.ts'
import { Refusal } from '../../server/routes/app-schemas.ts'
import { openApi } from '../../server/routes/openapi.ts'
import { createLogger } from '../../shared/service/logger.ts'
import { strictFastify } from '../../shared/web/strict-fastify.ts'
import { Desk } from '../commands/desk.ts'
import { AppClient } from '../fixtures/app-client.ts'
import { changeLine } from '../fixtures/craft-batch.ts'
import { TestServer } from '../fixtures/server-run.ts'
import { foundTestStudy } from '../fixtures/study.ts'

t.setTimeout(60_000)
type Operation = { operationId: string; parameters: Array<{ name: string; in: string; schema: TSchema }> }
const document = openApi('1.2.3') as { paths: Record<string, { get: Operation }> }

t.test('the document is OpenAPI 3.1, by a validator that is not ours', async (t) => {
  const validator = new Validator()
  const { valid, errors } = await validator.validate(JSON.parse(JSON.stringify(document)))
  t.equal(valid, true, JSON.stringify(errors))
  t.equal(validator.version, '3.1')
  const bent = JSON.parse(JSON.stringify(document))
  bent.paths['/v1/changes'].get.parameters[0].in = 'nowhere'
  t.equal((await new Validator().validate(bent)).valid, false, 'a canary: the validator looks')
})

t.test('every route for apps is in it, with the very schemas by which it checks, and no other', async (t) => {
  const door = strictFastify(createLogger('test', 'silent'), { exposeHeadRoutes: false })
  t.teardown(() => door.close())
  const routes = new Map<string, { params: TSchema; querystring: TSchema }>()
  door.addHook('onRoute', ({ method, url, schema }) => {
    t.equal(method, 'GET', url)
    routes.set(url.replace(/:(\w+)/g, '{$1}'), schema as { params: TSchema; querystring: TSchema })
  })
  appRoutes(door, {} as AppVerbs)
  t.strictSame([...routes.keys()].toSorted(), Object.keys(document.paths).toSorted())
  for (const [path, { params, querystring }] of routes) {
    const told = document.paths[path]?.get.parameters ?? []
    const of = (where: string) =>
      Object.fromEntries(told.filter((one) => one.in === where).map((one) => [one.name, one.schema]))
    t.strictSame([of('path'), of('query')], [params.properties, querystring.properties], path)
  }
  t.end()
})

t.test('served and printed alike; live answers and refusals fit it', async (t) => {
  const study = await foundTestStudy()
  t.teardown(study.dispose)
  const lap = await study.enrol('field', 'lap-01')
  await study.publish(() => ({ models: { 'clinic.visit': { naturalKey: [], offline: true } } }))
  const server = await TestServer.start(t, study.server)
  const app = await AppClient.open(t, server)
  const laptop = await server.laptop(lap)
  await server
    .as(lap)
    .push(
      await laptop.batch([
        ...[changeLine({ id: 'a', pk: 'a/b %?' }), changeLine({ id: 'b', reason: 'why', user: '' })],
        ...[
          changeLine({ id: 'c', pk: 'a/b %?', action: 'delete', fields: {} }),
          changeLine({ id: 'd', model: 'not.known' }),
        ],
      ]),
    )
  await server.settled()
  t.strictSame(JSON.parse(await new Desk(t).do(['openapi'])), await (await app.ask('/v1/openapi.json')).json())
  const [one, records] = [`/v1/records/clinic.visit/${encodeURIComponent('a/b %?')}`, '/v1/records/clinic.visit']
  const live: Array<[AppDoor, string]> = [
    ...([
      [appDoors.changes, '/v1/changes'],
      [appDoors.states, '/v1/states'],
    ] as Array<[AppDoor, string]>),
    ...([
      [appDoors.records, records],
      [appDoors.record, one],
    ] as Array<[AppDoor, string]>),
    ...([
      [appDoors.history, `${one}/history`],
      [appDoors.history, '/v1/records/not.known/pk-d/history'],
    ] as Array<[AppDoor, string]>),
  ]
  for (const [door, path] of live) {
    const answer = await app.ask(path)
    t.match(answer.headers.get('content-type'), door.answer.type, path)
    const lines = (await answer.text()).split('\n').filter((line) => line !== '')
    t.ok(lines.length > 0, path)
    for (const line of lines)
      t.strictSame([...TypeCompiler.Compile(door.answer.schema).Errors(JSON.parse(line))], [], line)
  }
  const refusal = await (await app.ask('/v1/changes?more=1')).json()
  t.ok(TypeCompiler.Compile(Refusal).Check(refusal), JSON.stringify(refusal))
})
