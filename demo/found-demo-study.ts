import { writeFileSync } from 'node:fs'
import { laptops } from './laptops.ts'
import { studySettings } from './study-settings.ts'
import { waybill } from './waybill.ts'

const deadlineMs = 20_000

/** Founds the study, starts its server, and adds every laptop as its users would. */
export async function foundDemoStudy(at: (name: string) => string, startServer: () => void): Promise<void> {
  await waybill(['study', 'create', studySettings.name, '--data', at('server'), '--recovery-kit', at('kit.json')])
  writeFileSync(at('study.json'), JSON.stringify(studySettings))
  await waybill(['study', 'publish', at('study.json'), '--data', at('server')])
  startServer()
  const port = await serverPort(at('server'))
  const rows = laptops.map(({ name, site }) => `field,${name},${site}`)
  writeFileSync(at('laptops.csv'), ['role,name,site', ...rows, 'relay,driver,'].join('\n'))
  const codes = ['--data', at('server'), '--from', at('laptops.csv'), '--address', `127.0.0.1:${port}`, '--json']
  for (const line of (await waybill(['enrol-code', ...codes])).trim().split('\n')) {
    const { name, code } = JSON.parse(line)
    await waybill(['enrol', '--data', at(name)], [code])
  }
}

async function serverPort(data: string): Promise<number> {
  for (const end = performance.now() + deadlineMs; performance.now() < end; ) {
    const { ports } = JSON.parse(await waybill(['status', '--data', data, '--json']))
    if (ports.port) return ports.port
  }
  throw new Error('the server did not start')
}
