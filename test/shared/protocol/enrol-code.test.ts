import fc from 'fast-check'
import t from 'tap'
import { sha256 } from '../../../shared/crypto/digest.ts'
import { type EnrolCode, readEnrolCode, writeEnrolCode } from '../../../shared/protocol/enrol-code.ts'

const seed = 20261124
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const code: EnrolCode = {
  study: sha256('a study'),
  secret: 'AbCdEfGhIjKlMnOpQrStUv',
  addresses: ['10.42.0.1:7460', '[fe80::1]:7460', 'clinic-server.local:7460'],
}
const text = writeEnrolCode(code)

t.test('a code is one line that comes back as it was, with white space around it', async (t) => {
  const secret = fc.string({ unit: fc.constantFrom(...alphabet), minLength: 22, maxLength: 22 })
  const host = fc.oneof(
    fc.ipV4(),
    fc.ipV6().map((ip) => `[${ip}]`),
    fc.domain(),
  )
  const addresses = fc.array(
    fc.tuple(host, fc.integer({ min: 1, max: 65_535 })).map(([name, port]) => `${name}:${port}`),
    { maxLength: 16 },
  )
  fc.assert(
    fc.property(fc.string(), secret, addresses, (name, secret, addresses) => {
      const given = { study: sha256(name), secret, addresses }
      const written = writeEnrolCode(given)
      const isSame = JSON.stringify(readEnrolCode(` \t${written}\r\n`)) === JSON.stringify(given)
      return isSame && /^waybill1\.[A-Za-z0-9_-]+$/.test(written)
    }),
    { seed, numRuns: 100 },
  )
  t.pass(`seed ${seed}`)
})

t.test('a code of which a part is missing is refused', async (t) => {
  for (let end = 0; end < text.length; end += 1)
    t.throws(() => readEnrolCode(text.slice(0, end)), { code: 'BAD_ARGUMENT' }, `the first ${end} characters`)
  for (let start = 1; start < text.length; start += 7)
    t.throws(() => readEnrolCode(text.slice(start)), { code: 'BAD_ARGUMENT' }, `without the first ${start}`)
})

t.test('a damaged code is refused, or is another well-formed code: never an error of another kind', async (t) => {
  const damage = fc.tuple(fc.nat(text.length - 1), fc.constantFrom(...alphabet, '.', '=', '+', '/', 'é', ''))
  let refused = 0
  fc.assert(
    fc.property(fc.array(damage, { minLength: 1, maxLength: 3 }), (damages) => {
      let damaged = text
      for (const [at, character] of damages) damaged = damaged.slice(0, at) + character + damaged.slice(at + 1)
      try {
        const read = readEnrolCode(damaged)
        return /^[0-9a-f]{64}$/.test(read.study) && read.secret.length === 22
      } catch (error) {
        refused += 1
        return (error as { code?: string }).code === 'BAD_ARGUMENT'
      }
    }),
    { seed, numRuns: 1000 },
  )
  t.ok(refused > 500, `seed ${seed}: ${refused} of 1000 refused`)
})

t.test('what is no code', async (t) => {
  const spell = (value: unknown) => `waybill1.${Buffer.from(JSON.stringify(value)).toString('base64url')}`
  const others: Record<string, string> = {
    nothing: '',
    'a later kind of code': text.replace('waybill1.', 'waybill2.'),
    'two codes': `${text}${text}`,
    'two codes on two lines': `${text}\n${text}`,
    null: spell(null),
    'a list': spell([code]),
    'a field more': spell({ ...code, role: 'field' }),
    'a short secret': spell({ ...code, secret: 'short' }),
    'a study that is no digest': spell({ ...code, study: 'Ambition' }),
    'an address with a path': spell({ ...code, addresses: ['host:1/path'] }),
    'an address without a port': spell({ ...code, addresses: ['host'] }),
    'too many addresses': spell({ ...code, addresses: Array.from({ length: 17 }, () => 'host:1') }),
  }
  for (const [what, given] of Object.entries(others))
    t.throws(() => readEnrolCode(given), { code: 'BAD_ARGUMENT' }, what)
})
