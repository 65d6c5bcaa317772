import canonicalize from 'canonicalize'

/** Deeper than this, only the slow way looks: it does not recurse. */
const deepest = 32

/**
 * Whether the text is the RFC 8785 form of the value that was parsed from it. V8 writes strings and numbers as RFC 8785
 * does: where all names stand in order, that is the form, and ten times faster to have.
 */
export function isCanonical(value: unknown, text: string): boolean {
  // Half a surrogate pair can only stand in it escaped; RFC 8785 has no form for it.
  if (!text.includes('\\ud') && isInOrder(value, 0) && JSON.stringify(value) === text) return true
  try {
    return canonicalize(value) === text
  } catch {
    return false
  }
}

function isInOrder(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (depth === deepest) return false
  if (Array.isArray(value)) return value.every((item) => isInOrder(item, depth + 1))
  let before: string | undefined
  for (const [name, inner] of Object.entries(value)) {
    if (before !== undefined && before >= name) return false
    if (!isInOrder(inner, depth + 1)) return false
    before = name
  }
  return true
}
