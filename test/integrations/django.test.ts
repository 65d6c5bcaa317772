import t from 'tap'
import { dialects } from '../fixtures/app-databases.ts'
import { cannotRunDjango, djangoTests } from '../fixtures/django-study.ts'

for (const dialect of dialects) {
  const why = await cannotRunDjango(dialect)
  t.test(`the Django app on ${dialect}`, why === undefined ? {} : { skip: why }, async (t) => {
    let count = 0
    for await (const { test, outcome, detail } of djangoTests(dialect)) {
      count += 1
      if (outcome === 'skipped') t.pass(test, { skip: detail })
      else t.strictSame({ outcome, detail }, { outcome: 'passed', detail: '' }, test)
    }
    t.ok(count > 50, `${count} tests were run`)
  })
}
