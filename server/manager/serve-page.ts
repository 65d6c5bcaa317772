import { readdirSync, readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import type { Words } from '../../shared/web/manager-words.ts'

const own = new URL('../web/manager/', import.meta.url)
const shared = new URL('../../shared/web/assets/', import.meta.url)
/** Of what the pages have in common, what this one uses. */
const common = ['ask.js', 'elements.js', 'parts.js', 'words.js', 'colours.css', 'frame.css']
const types: Record<string, string> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  html: 'text/html; charset=utf-8',
}

/** The page itself, which holds no data and no secret: it is served to whoever asks. */
export function servePage(scope: FastifyInstance, { language, words }: Words): void {
  const page = readFileSync(new URL('page.html', own), 'utf8').replace('lang="en"', `lang="${language}"`)
  const scripts = readdirSync(own).filter((name) => /\.(js|css)$/.test(name))
  const files: Array<[path: string, type: string, body: Buffer | string]> = [
    ['/', types.html ?? '', page],
    ['/messages.json', 'application/json; charset=utf-8', JSON.stringify(words)],
    ...scripts.map((name) => fileOf(own, name)),
    ...common.map((name) => fileOf(shared, name)),
  ]
  for (const [path, type, body] of files)
    scope.get(path, { config: { right: 'open' } }, async (_request, reply) => reply.type(type).send(body))
}

function fileOf(folder: URL, name: string): [path: string, type: string, body: Buffer] {
  return [`/${name}`, types[name.replace(/^.*\./, '')] ?? '', readFileSync(new URL(name, folder))]
}
