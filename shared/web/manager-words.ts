import { english } from './messages/en.ts'
import { managerEnglish } from './messages/manager-en.ts'
import { managerSetswana } from './messages/manager-tn.ts'

/** What a page says, and in which language. */
export interface Words {
  language: string
  words: Record<string, string>
}

/** Of the words that the pages have in common, those that this one needs. */
const common = Object.entries(english).filter(([key]) => /^(hint|page|time|problem|role)\./.test(key))

/** What the page of the people at the clinic says. */
export const managerWords: Words = { language: 'en', words: { ...Object.fromEntries(common), ...managerEnglish } }

/** Words that nobody who speaks the language has reviewed: for tests and demonstrations. No setting selects them. */
export const unreviewedManagerWords: Words = {
  language: 'tn',
  words: { ...managerWords.words, ...managerSetswana },
}
