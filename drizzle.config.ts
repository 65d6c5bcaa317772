import { defineConfig } from 'drizzle-kit'

// One program at a time: WAYBILL_APP=daemon|relay|server (npm run migrations does all three).
const app = process.env.WAYBILL_APP ?? 'daemon'
// The two laptops that tubes pass between have the same desk; the server has records and people.
const besides =
  app === 'server' ? ['./server/record-tables.ts', './server/people-tables.ts'] : ['./shared/handover/tables.ts']
export default defineConfig({
  dialect: 'sqlite',
  schema: [`./${app}/schema.ts`, ...besides],
  out: `./${app}/migrations`,
})
