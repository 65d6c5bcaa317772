// The canary of the import rule: shared/ must not import an app. `npm run check` fails unless the rule finds this.
import { readFact } from '../../../daemon/facts.ts'

export const violation = readFact
