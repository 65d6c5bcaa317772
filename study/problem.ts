/** What is wrong with one field of what a person wrote; `field` is its path, as JSON Pointer writes it but for escapes. */
export interface Problem {
  field: string
  what: string
}

/** In one line. */
export function tellProblem({ field, what }: Problem): string {
  return `${field}: ${what}`
}
