import { join } from 'node:path'
import type { Command } from 'commander'
import { verifyLaptop } from '../daemon/verify.ts'
import { verifyRelay } from '../relay/verify.ts'
import { type Provenance, provenanceOf } from '../server/provenance.ts'
import { verifyServer } from '../server/verify.ts'
import { readIdentity } from '../shared/crypto/identity.ts'
import { PayloadStore } from '../shared/storage/payload-store.ts'
import { openLaptop } from './open-laptop.ts'
import { openRelay } from './open-relay.ts'
import { openServer } from './open-server.ts'
import { dataOption, examples, jsonOption } from './options.ts'
import { say, sayJson } from './print.ts'
import { showProgress } from './show-progress.ts'

interface Options {
  data: string
  change?: string
  json?: boolean
}

export function addVerify(waybill: Command): void {
  const command = waybill
    .command('verify')
    .description('verify again, offline, all that is stored; or the provenance of one change, hop by hop')
    .addOption(dataOption())
    .option('--change <id>', 'on a server: the provenance of this change')
    .addOption(jsonOption())
    .action(verify)
  examples(command, 'waybill verify --data ~/waybill', 'waybill verify --data /srv/waybill --change 0f3c-1')
  command.addHelpText('after', '\nIt ends with 1 at the first thing that is not as it was signed, and names it.')
}

async function verify({ data, change, json }: Options): Promise<void> {
  if (change !== undefined) return verifyChange(data, change, json)
  const batches = await verifyAll(data)
  if (json) sayJson({ verified: true, batches })
  else say(`Every signature, digest and stored byte is as it should be: ${batches} batches.`)
}

async function verifyAll(data: string): Promise<number> {
  const { role } = readIdentity(data)
  const payloads = new PayloadStore(join(data, 'payloads'))
  if (role === 'field')
    return closing(await openLaptop(data), (opened) => verifyLaptop({ ...opened, data, payloads }, showProgress()))
  if (role === 'relay')
    return closing(await openRelay(data), (opened) => verifyRelay({ ...opened, data, payloads }, showProgress()))
  return closing(await openServer(data), (opened) => verifyServer(opened, showProgress()))
}

async function verifyChange(data: string, change: string, json = false): Promise<void> {
  const found = await closing(await openServer(data), (opened) => provenanceOf(opened, change))
  if (json) sayJson({ verified: true, provenance: found })
  else for (const one of found) tell(one)
}

function tell({ change, producerName, producer, seq, chain, batch, sealedAt, hops }: Provenance): void {
  say(`Change ${change}: every signature verified from the authority key.`)
  say(
    `  sealed by ${producerName} (${producer.slice(0, 8)}) as batch ${seq} of chain ${chain.slice(0, 8)}, ${sealedAt}`,
  )
  say(`  manifest ${batch}`)
  for (const { hop, fromName, byName, at, peerAt, receipt } of hops) {
    say(`  hop ${hop}: ${fromName} -> ${byName}, signed ${at}${peerAt === null ? '' : ` (giver's clock: ${peerAt})`}`)
    say(`         receipt ${receipt}`)
  }
}

async function closing<O extends { close(): void }, T>(opened: O, act: (opened: O) => Promise<T>): Promise<T> {
  try {
    return await act(opened)
  } finally {
    opened.close()
  }
}
