import type { managerEnglish } from './manager-en.ts'

/** The page of the people at the clinic in Setswana. UNREVIEWED, as `tn.ts` is: nobody who speaks the language has read it. */
export const managerSetswana: Partial<Record<keyof typeof managerEnglish, string>> = {}
