import fc from 'fast-check'
import t from 'tap'
import { sha256 } from '../../../shared/crypto/digest.ts'
import { announcementText, readAnnouncement, studyTag } from '../../../shared/protocol/announcement.ts'

const seed = 20261124
const study = sha256('a study')

t.test('an announcement tells the version and 8 digits of the study, and nothing else', async (t) => {
  t.strictSame(announcementText(study), { v: '1', s: study.slice(0, 8) })
  const txt = Object.entries(announcementText(study)).map((pair) => pair.join('='))
  t.strictSame(readAnnouncement(txt), { tag: studyTag(study) })
  t.strictSame(readAnnouncement(txt.map((part) => Buffer.from(part))), { tag: studyTag(study) })
})

t.test(
  'of a key given twice the first counts; another version, a long or a missing part is no announcement',
  async (t) => {
    t.strictSame(readAnnouncement(['v=1', 's=aaaaaaaa', 's=bbbbbbbb', 'v=2']), { tag: 'aaaaaaaa' })
    for (const txt of [
      ['v=2', 's=aaaaaaaa'],
      ['s=aaaaaaaa'],
      ['v=1'],
      ['v=1', 's=AAAAAAAA'],
      ['v=1', 's=aaaaaaaaa'],
      'v=1',
      null,
      [],
    ])
      t.equal(readAnnouncement(txt), undefined, JSON.stringify(txt))
    t.equal(readAnnouncement(['v=1', `s=aaaaaaaa${' '.repeat(64)}`]), undefined)
    const flood = Array.from({ length: 16 }, (_, n) => `k${n}=x`)
    t.equal(readAnnouncement([...flood, 'v=1', 's=aaaaaaaa']), undefined, 'a seventeenth part is not read')
  },
)

t.test('whatever a network sends, it is read or left, and never throws', async (t) => {
  const part = fc.oneof(
    fc.string(),
    fc.uint8Array().map(Buffer.from),
    fc.anything(),
    fc.constantFrom('v=1', 's=01234567'),
  )
  fc.assert(
    fc.property(fc.oneof(fc.array(part), part), (txt) => {
      const read = readAnnouncement(txt)
      return read === undefined || /^[0-9a-f]{8}$/.test(read.tag)
    }),
    { seed, numRuns: 500 },
  )
  t.pass(`seed ${seed}`)
})
