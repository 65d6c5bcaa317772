import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import puppeteer from 'puppeteer-core'
import t, { type Test } from 'tap'
import { openHttpsRoot } from '../../server/https-certificate.ts'
import { browserArgs, chromiumPath, noBrowser } from '../fixtures/browser.ts'
import { TestServer } from '../fixtures/server-run.ts'
import { foundTestStudy } from '../fixtures/study.ts'

t.setTimeout(120_000)
const firefoxPath = '/usr/bin/firefox-esr'
const noFirefox = existsSync(firefoxPath) ? false : `there is no Firefox at ${firefoxPath}`
const noTool = existsSync('/usr/bin/certutil') ? false : 'there is no certutil: install the package libnss3-tools'

t.test(
  'Chromium: trusts the door where the root was imported, and nowhere else',
  { skip: noBrowser || noTool },
  async (t) => {
    const { address, root } = await started(t)
    const open = async (trusts: boolean) => {
      const home = directory(t)
      importInto(join(home, '.pki/nssdb'), trusts ? root : undefined)
      const env = { ...process.env, HOME: home } as Record<string, string>
      const browser = await chromium.launch({ executablePath: chromiumPath, args: browserArgs, env })
      t.teardown(() => browser.close())
      return (await browser.newPage()).goto(address)
    }
    t.equal((await open(true))?.status(), 404, 'no warning: the answer of the door')
    await t.rejects(open(false), /ERR_CERT_AUTHORITY_INVALID/)
  },
)

t.test(
  'Firefox: trusts the door where the root was imported, and nowhere else',
  { skip: noFirefox || noTool },
  async (t) => {
    const { address, root } = await started(t)
    const open = async (trusts: boolean) => {
      const userDataDir = directory(t)
      importInto(userDataDir, trusts ? root : undefined)
      const browser = await puppeteer.launch({
        ...{ browser: 'firefox', executablePath: firefoxPath, headless: true, acceptInsecureCerts: false },
        ...{ userDataDir, args: ['--no-remote'] },
      })
      t.teardown(() => browser.close())
      return (await browser.newPage()).goto(address)
    }
    t.equal((await open(true))?.status(), 404, 'no warning: the answer of the door')
    await t.rejects(open(false), /SEC_ERROR_UNKNOWN_ISSUER/)
  },
)

async function started(t: Test) {
  const study = await foundTestStudy()
  t.teardown(study.dispose)
  const server = await TestServer.start(t, study.server)
  const { certificate } = await openHttpsRoot(study.server.data, study.server.device)
  const root = join(study.directory, 'root.pem')
  writeFileSync(root, certificate)
  return { address: `https://localhost:${server.httpsPort}/nowhere`, root }
}

function directory(t: Test): string {
  const made = mkdtempSync(join(tmpdir(), 'waybill-browser-'))
  t.teardown(() => rmSync(made, { recursive: true, force: true, maxRetries: 5 }))
  return made
}

/** What the manual tells a person to type. */
function importInto(database: string, root: string | undefined): void {
  mkdirSync(database, { recursive: true })
  execFileSync('certutil', ['-d', `sql:${database}`, '-N', '--empty-password'])
  if (root) execFileSync('certutil', ['-d', `sql:${database}`, '-A', '-t', 'C,,', '-n', 'waybill', '-i', root])
}
