import type { StudySettings } from '../shared/protocol/study-document.ts'

type Models = StudySettings['models']

/**
 * Models that depend on each other in a circle, each circle from its first to its last. A model may depend on itself: its records are
 * applied one after the other. Where circles cross, not each of them is told; whoever breaks those that are is told of the next.
 */
export function findCycles(models: Models): string[][] {
  const tangled = tangledParents(models)
  const cycles: string[][] = []
  const seen = new Set<string>()
  for (const start of tangled.keys()) {
    const path: string[] = []
    let at: string | undefined = start
    for (; at !== undefined && !seen.has(at); at = tangled.get(at)?.[0]) {
      seen.add(at)
      path.push(at)
    }
    const begin = at === undefined ? -1 : path.indexOf(at)
    if (begin >= 0) cycles.push(path.slice(begin))
  }
  return cycles
}

/** What is left when whatever depends on nothing is taken away, again and again: each of these has parents among them. */
function tangledParents(models: Models): Map<string, string[]> {
  const left = new Map(Object.keys(models).map((label) => [label, parentsOf(label, models)]))
  const children = new Map<string, string[]>([...left.keys()].map((label) => [label, []]))
  for (const [label, parents] of left) for (const parent of parents) children.get(parent)?.push(label)
  const free = [...left.keys()].filter((label) => left.get(label)?.length === 0)
  const waiting = new Map([...left].map(([label, parents]) => [label, parents.length]))
  for (let label = free.pop(); label !== undefined; label = free.pop()) {
    left.delete(label)
    for (const child of children.get(label) ?? []) {
      const count = (waiting.get(child) ?? 0) - 1
      waiting.set(child, count)
      if (count === 0) free.push(child)
    }
  }
  return new Map([...left].map(([label, parents]) => [label, parents.filter((parent) => left.has(parent))]))
}

function parentsOf(label: string, models: Models): string[] {
  const named = new Set(Object.values(models[label]?.dependsOn ?? {}))
  return [...named].filter((parent) => parent !== label && Object.hasOwn(models, parent))
}
