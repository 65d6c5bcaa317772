import { defineConfig } from 'drizzle-kit'

// One program at a time: WAYBILL_APP=daemon|relay|server (npm run migrations does all three).
const app = process.env.WAYBILL_APP ?? 'daemon'
export default defineConfig({ dialect: 'sqlite', schema: `./${app}/schema.ts`, out: `./${app}/migrations` })
