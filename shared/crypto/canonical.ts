import canonicalize from 'canonicalize'

const deepest = 32

/** Whether the text is the RFC 8785 form of the value that was parsed from it. */
export function isCanonical(value: unknown, text: string): boolean {
  if (isCanonicalAtSight(value, text)) return true
  try {
    return canonicalize(value) === text
  } catch {
    return false
  }
}

/**
 * The quick answer, where it is yes: V8 writes strings and numbers as RFC 8785 does, so that text whose names all stand in order
 * is canonical if V8 writes it so. No says nothing. What nests deeper than 32 is never found so.
 */
function isCanonicalAtSight(value: unknown, text: string): boolean {
  // Half a surrogate pair can only stand in it escaped; RFC 8785 has no form for it.
  return !text.includes('\\ud') && isInOrder(value, 0) && JSON.stringify(value) === text
}

function isInOrder(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (depth === deepest) return false
  if (Array.isArray(value)) return value.every((item) => isInOrder(item, depth + 1))
  const object = value as Record<string, unknown>
  let before: string | undefined
  // Parsed JSON inherits nothing that `in` would find; a list of its entries would be garbage for every change.
  for (const name in object) {
    if (before !== undefined && before >= name) return false
    if (!isInOrder(object[name], depth + 1)) return false
    before = name
  }
  return true
}
