import fc from 'fast-check'
import t from 'tap'
import type { Asked } from '../../../shared/handover/desk.ts'
import type { HandoverExchange } from '../../../shared/protocol/handover.ts'
import type { OpenLine } from '../../../shared/protocol/requisition-line.ts'
import { line, model, settle, type TestDesk, type TwoDesks, twoDesks } from '../../fixtures/desks.ts'

const seed = 20261124
const pks = ['1', '2', '3', '4', '5']
const key = (pk: string) => ({ model, pk })
const scan = (read: string): Asked => ({ kind: 'scan', read, typed: false })

/** What happens on one of the two laptops, or between them. */
type Step =
  | { kind: 'act'; on: 'giver' | 'taker'; asked: Asked }
  | { kind: 'sign'; on: 'giver' | 'taker' }
  | { kind: 'line'; late: OpenLine }
  | { kind: 'fetchLines' | 'answerLost' | 'bothHeard' | 'oldQuestion' | 'oldAnswer' | 'restart' | 'end' }

const on = fc.constantFrom<'giver' | 'taker'>('giver', 'taker')
const reads = ['REQ0001', 'REQ0002', 'REQ0003', 'REQ0006', 'JUNK', 'WAYBILL-UNDO', 'WAYBILL-MISSING', '1', '3']
const asked: fc.Arbitrary<Asked> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...reads).map(scan) },
  fc
    .tuple(fc.constantFrom(...pks), fc.integer({ min: 1, max: 4 }))
    .map(([pk, tubes]) => ({ kind: 'count', line: key(pk), tubes }) as const),
  fc.constantFrom(...pks).map((pk) => ({ kind: 'missing', line: key(pk), reason: 'leaked', text: null }) as const),
  fc.constant({ kind: 'undo' } as const),
  fc.constantFrom(3, 5.5).map((celsius) => ({ kind: 'temperature', celsius }) as const),
)
const late = fc.constantFrom(
  ...[line('6'), line('3', { changeId: 'c-3b', fields: { tubes: 2 } }), line('2', { fields: { isDrawn: 'No' } })],
)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('act' as const), on, asked }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sign' as const), on }) },
  { weight: 1, arbitrary: late.map((one) => ({ kind: 'line' as const, late: one })) },
  {
    weight: 4,
    arbitrary: fc.constantFrom<Step>({ kind: 'bothHeard' }, { kind: 'answerLost' }, { kind: 'fetchLines' }),
  },
  { weight: 2, arbitrary: fc.constantFrom<Step>({ kind: 'oldQuestion' }, { kind: 'oldAnswer' }) },
  { weight: 1, arbitrary: fc.constantFrom<Step>({ kind: 'restart' }, { kind: 'end' }) },
)

/** What a page would show, on whichever side, apart from who heard what of whom and whose question waits. */
function shown({ desk }: TestDesk, id: string): string {
  const { heardAt: _, otherPerson: __, question: ___, ...view } = desk.view(id)
  return JSON.stringify(view)
}

/** Two laptops to which things happen, and a wire that loses and repeats. */
class Roadside {
  readonly #two: TwoDesks
  readonly #id: string
  readonly #questions: HandoverExchange[] = []
  readonly #answers: HandoverExchange[] = []

  constructor(two: TwoDesks) {
    this.#two = two
    this.#id = two.taker.desk.begin(two.giver.device)
  }

  async happen(step: Step): Promise<void> {
    const { giver, taker } = this.#two
    const id = this.#id
    if (step.kind === 'act') await tolerate(() => this.#two[step.on].desk.act(id, step.asked))
    if (step.kind === 'sign')
      await tolerate(() => this.#two[step.on].desk.sign(id, { pin: null, agrees: true, remark: null }))
    if (step.kind === 'end') await tolerate(() => taker.desk.close(id))
    if (step.kind === 'line') giver.lines = [...giver.lines.filter(({ pk }) => pk !== step.late.pk), step.late]
    if (step.kind === 'fetchLines') taker.lines = structuredClone(giver.lines)
    if (step.kind === 'restart') await giver.reopen()
    if (step.kind === 'oldQuestion') await this.#ask(this.#questions[this.#questions.length >> 1])
    if (step.kind === 'oldAnswer') await this.#take(this.#answers[this.#answers.length >> 1])
    if (step.kind === 'answerLost') await this.#ask(taker.desk.ask(id))
    if (step.kind === 'bothHeard') await this.#take(await this.#ask(taker.desk.ask(id)))
  }

  /** The network comes back, and the driver's laptop has the lines. */
  async settle(): Promise<string> {
    this.#two.taker.lines = structuredClone(this.#two.giver.lines)
    await settle(this.#two, this.#id)
    return this.#id
  }

  async #ask(question: HandoverExchange | undefined): Promise<HandoverExchange | undefined> {
    if (!question) return undefined
    this.#questions.push(structuredClone(question))
    const answer = await this.#two.giver.desk.answer(this.#two.taker.device, structuredClone(question))
    this.#answers.push(structuredClone(answer))
    return answer
  }

  async #take(answer: HandoverExchange | undefined): Promise<void> {
    if (answer) await this.#two.taker.desk.take(this.#id, this.#two.giver.device, structuredClone(answer))
  }
}

/** What a person is told and may not do. */
async function tolerate(act: () => unknown): Promise<void> {
  try {
    await act()
  } catch (error) {
    const { code } = error as { code?: string }
    if (!['HANDOVER_CLOSED', 'BAD_REQUEST', 'NOT_FOUND'].includes(String(code))) throw error
  }
}

t.test('property: whatever was scanned, undone, signed, lost and repeated, both laptops show the same', async (t) => {
  const lines = pks.map((pk) => line(pk, pk === '1' ? { fields: { tubes: 3 } } : {}))
  const two = await twoDesks(t, lines)
  const run = fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
    for (const side of [two.giver, two.taker]) {
      side.store.$client.exec('UPDATE desk_handovers SET closed = 1, told = 1')
      Object.assign(side, { lines: structuredClone(lines), refused: [] })
      side.closed.clear()
    }
    const roadside = new Roadside(two)
    for (const one of steps) await roadside.happen(one)
    const id = await roadside.settle()
    const { tubes, counts } = two.giver.desk.view(id)
    const names = tubes.map((tube) => tube.line?.pk ?? `stray ${tube.label}`)
    return (
      shown(two.giver, id) === shown(two.taker, id) &&
      two.giver.refused.length === 0 &&
      new Set(names).size === names.length &&
      Object.values(counts).reduce((sum, n) => sum + n, 0) === tubes.length &&
      // A second scan asks; only a person raises a count.
      tubes.every(({ state, counted }) => (state === 'notYetScanned' || state === 'missing' ? counted === null : true))
    )
  })
  await fc.assert(run, { seed, numRuns: 150 })
  t.pass(`seed ${seed}`)
})
