import { createReadStream, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, normalize } from 'node:path'

// A plain file server for curl, in a process of its own: it must not run in the one that measures.
const [, , directory = '.'] = process.argv
const server = createServer((request, response) => {
  const path = join(directory, normalize(`/${request.url}`))
  response.setHeader('content-length', statSync(path).size)
  createReadStream(path).pipe(response)
})
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`))
