/** How far the walk through a graph is. */
interface Walk {
  edges: number[][]
  /** When each node was met, from 1; 0 is not yet. */
  met: number[]
  /** The earliest met node that each leads back to. */
  low: number[]
  component: number[]
  open: number[]
  isOpen: boolean[]
}

/**
 * The strongly connected components of a graph, by Tarjan's algorithm, without recursion: chains are long.
 * @param edges of each node, whither it leads
 * @returns for each node the number of its component
 */
export function stronglyConnected(edges: number[][]): number[] {
  const zeros = () => edges.map(() => 0)
  const walk: Walk = { edges, met: zeros(), low: zeros(), component: zeros(), open: [], isOpen: [] }
  const count = { met: 0, components: 0 }
  for (const start of edges.keys()) if (walk.met[start] === 0) visit(walk, start, count)
  return walk.component
}

function visit(walk: Walk, start: number, count: { met: number; components: number }): void {
  const path = [enter(walk, start, ++count.met)]
  for (let step = path.at(-1); step; step = path.at(-1)) {
    const next = walk.edges[step.node]?.[step.next++]
    if (next === undefined) {
      path.pop()
      leave(walk, step.node, path.at(-1)?.node, count)
    } else if (walk.met[next] === 0) path.push(enter(walk, next, ++count.met))
    else if (walk.isOpen[next]) lower(walk, step.node, walk.met[next] ?? 0)
  }
}

function enter(walk: Walk, node: number, when: number): { node: number; next: number } {
  walk.met[node] = when
  walk.low[node] = when
  walk.open.push(node)
  walk.isOpen[node] = true
  return { node, next: 0 }
}

/** Where it leads back to none before it, it and what is still open behind it are a component. */
function leave(walk: Walk, node: number, parent: number | undefined, count: { components: number }): void {
  if (walk.low[node] === walk.met[node]) {
    for (let last = walk.open.pop(); last !== undefined; last = walk.open.pop()) {
      walk.isOpen[last] = false
      walk.component[last] = count.components
      if (last === node) break
    }
    count.components += 1
  }
  if (parent !== undefined) lower(walk, parent, walk.low[node] ?? 0)
}

function lower(walk: Walk, node: number, to: number): void {
  walk.low[node] = Math.min(walk.low[node] ?? to, to)
}
