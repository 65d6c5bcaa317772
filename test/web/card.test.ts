import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { readScan } from '../../shared/specimens/read-scan.ts'
import { noBrowser, openBrowser } from '../fixtures/browser.ts'
import { startHandoverDay } from '../fixtures/handover-day.ts'

t.setTimeout(120_000)
const noDecoder =
  spawnSync('zbarimg', ['--version']).status === 0
    ? noBrowser
    : 'there is no zbarimg: install the package zbar-tools to read the printed card'

t.test('the printed card: a decoder reads each barcode as its command', { skip: noDecoder }, async (t) => {
  const browser = await openBrowser()
  const directory = mkdtempSync(join(tmpdir(), 'waybill-card-'))
  t.teardown(async () => {
    rmSync(directory, { recursive: true })
    await browser.close()
  })
  const { taker } = await startHandoverDay(t, browser, 1)
  const { page } = taker
  await page.goto(new URL('/card', page.url()).href)
  await page.getByRole('heading', { name: 'Command barcodes' }).waitFor()
  for (const media of ['print', 'screen'] as const) {
    // A4 at 96 points an inch, as a laptop's page prints; and the card as a dark page shows it.
    await page.emulateMedia({ media, colorScheme: media === 'print' ? 'light' : 'dark' })
    await page.setViewportSize({ width: 794, height: 1123 })
    const path = join(directory, `${media}.png`)
    await page.screenshot({ path, fullPage: true })
    const read = execFileSync('zbarimg', ['--raw', '-q', path], { encoding: 'utf8' }).trim().split('\n')
    const commands = ['UNDO', 'MISSING', 'SIGN', ...'1234567890']
    t.same(read.sort(), commands.map((name) => `WAYBILL-${name}`).sort(), media)
    t.same(
      read.filter((text) => readScan(text).kind === 'label'),
      [],
      'what was read is a command, and no label',
    )
  }
})
