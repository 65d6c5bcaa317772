import { type Command, Option } from 'commander'
import { openHttpsRoot } from '../server/https-certificate.ts'
import { deviceOf, readIdentity } from '../shared/crypto/identity.ts'
import { fingerprintOf } from '../shared/crypto/web-certificate.ts'
import { ports } from '../shared/protocol/paths.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { readRuntime } from '../shared/service/runtime.ts'
import { writeDurably } from '../shared/storage/durable-file.ts'
import { withGiven } from './given-path.ts'
import { dataOption, examples, jsonOption } from './options.ts'
import { say, sayJson } from './print.ts'

interface Options {
  data: string
  out?: string
  json?: boolean
}

export function addTrust(waybill: Command): void {
  const command = waybill
    .command('trust')
    .description("print the root certificate of the server's HTTPS door, and how browsers and apps come to trust it")
    .addOption(dataOption("the server's data directory"))
    .addOption(new Option('--out <file>', 'write the certificate there, to carry it to other computers'))
    .addOption(jsonOption())
    .action(trust)
  examples(command, 'waybill trust --data /srv/waybill --out root.pem')
}

/** The certificate is public; whoever installs it compares the sha-256 that is read out at the server. */
async function trust({ data, out, json }: Options): Promise<void> {
  const identity = readIdentity(data)
  if (identity.role !== 'server' && identity.role !== 'central')
    throw new WaybillError('ROLE_REFUSED', `${data} holds a ${identity.role}, not a server`)
  const { certificate } = await openHttpsRoot(data, deviceOf(identity))
  if (out !== undefined) await withGiven(out, () => writeDurably(out, certificate))
  const sha256 = fingerprintOf(certificate)
  const port = readRuntime(data)?.ports.httpsPort ?? ports.serverHttps
  if (json) return sayJson({ certificate, sha256, port })
  if (out === undefined) process.stdout.write(certificate)
  for (const line of recipe(sha256, port, out ?? 'root.pem')) say(line)
}

function recipe(sha256: string, port: number, file: string): string[] {
  const spelled = sha256.toUpperCase().match(/../g)?.join(':')
  return [
    `sha-256: ${spelled}`,
    '',
    `Carry ${file} to each computer, compare the sha-256 there (openssl x509 -in ${file} -noout -fingerprint -sha256), then:`,
    '  Chromium  Settings, Privacy and security, Security, Manage certificates, Installed by you: import it, for websites; or',
    `            certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n waybill -i ${file}`,
    '  Firefox   Settings, Privacy & Security, View Certificates, Authorities, Import: tick "identify websites"',
    `  curl      curl --cacert ${file} https://localhost:${port}/v1/openapi.json`,
    `  Python    ssl.create_default_context(cafile='${file}')`,
    `Pages are at https://NAME:${port}/ under every name and address that this server has, and those of the setting httpsNames.`,
  ]
}
