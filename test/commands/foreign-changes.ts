import fc from 'fast-check'

/** A change as an app gives it, and what has to arrive of it. */
export interface ForeignChange {
  /** One line of input. */
  line: string
  arrives: { model: string; action: string; pk: string; fields: unknown; id?: string }
}

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '',
    ' ',
    '\u0000',
    '"\\\n\t',
    '</script>',
    '\u2028\u2029',
    'Dikgosi tša Botswana',
    '{"a":[1,2}',
    '\ufeff',
  ),
  fc.integer({ min: 1, max: 30_000 }).map((length) =>
    'Motswana \u{1f469}\u{1f3fe}‍⚕️ '
      .repeat(length)
      .slice(0, length)
      .replace(/[\ud800-\udbff]$/, ''),
  ),
)
const number = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double({ min: -1e9, max: 1e9, noNaN: true }).map((value) => (Object.is(value, -0) ? 0 : value)),
  fc.constantFrom(0.1 + 0.2, 5e-324, 1e-7, 2 ** 53 - 1),
)
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    ...[text, number, fc.boolean(), fc.constant(null)],
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      text.filter((name) => name.length <= 200),
      tie('value'),
      { maxKeys: 4, noNullPrototype: true },
    ),
  ),
}))
const fields = fc.dictionary(
  fc.oneof(
    fc.constantFrom('weight', 'note', 'constructor', 'toString', 'length'),
    fc.string({ unit: 'grapheme', maxLength: 20 }),
  ),
  value,
  { minKeys: 1, maxKeys: 8, noNullPrototype: true },
)
const pk = fc.oneof(
  fc.uuid(),
  fc.integer({ min: 1 }).map(String),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }),
)
const model = fc.constantFrom('clinic.visit', 'clinic.enrolmentchecklist', 'lab.requisition', 'a.b.c')
/** The life of one record: made, then updated or deleted a few times; or only told by a dump. */
const life = fc.record({
  ...{ model, pk, states: fc.array(fields, { minLength: 1, maxLength: 4 }) },
  ...{ isDeleted: fc.boolean(), isDump: fc.boolean() },
})

/**
 * Changes such as no one here has seen: lives of `records` records, in an app's words.
 * @param seed the same seed gives the same changes
 */
export function foreignChanges(name: string, records: number, seed: number): ForeignChange[] {
  const lives = fc.sample(life, { seed, numRuns: records })
  return lives.flatMap(({ model, pk, states, isDeleted, isDump }, record) => {
    const own = `${name}-${record}-${pk}`
    if (isDump) return dumped(model, own, states[0] ?? {})
    const last = isDeleted ? [change(`${own}-deleted`.slice(-150), model, 'delete', own, {})] : []
    const made = states.map((state, index) =>
      change(`${own}-${index}`.slice(-150), model, index === 0 ? 'insert' : 'update', own, state),
    )
    return [...made, ...last]
  })
}

function change(id: string, model: string, action: string, pk: string, fields: object): ForeignChange {
  const given = { id, model, action, pk, fields, user: 'rosa', recordedAt: '2026-11-01T12:00:00+02:00' }
  return { line: JSON.stringify(given), arrives: { id, model, action, pk, fields } }
}

function dumped(model: string, pk: string, fields: object): ForeignChange[] {
  return [{ line: JSON.stringify({ model, pk, fields }), arrives: { model, action: 'insert', pk, fields } }]
}
