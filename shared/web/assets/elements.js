// @ts-check
/** Builds the page and changes it in place. Text is only ever text: nothing that came from outside is read as markup. */

/**
 * An element, with what is in it; `null` is nothing.
 * @param {string} tag
 * @param {Record<string, string | number>} [attributes]
 * @param {...(Node | string | number | null)} children
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value))
  for (const child of children) if (child !== null) element.append(child instanceof Node ? child : String(child))
  return element
}

/**
 * Makes a parent hold these nodes, and leaves alone all that is the same already: focus, selection, scrolling and what the
 * reader opened stay. Elements with the same `data-key` are the same element.
 * @param {Element} parent
 * @param {Node[]} nodes
 */
export function patch(parent, nodes) {
  /** @type {ChildNode | null} */
  let old = parent.firstChild
  for (const node of nodes) {
    const kept = find(old, node)
    if (!kept) {
      parent.insertBefore(node, old)
      continue
    }
    while (old && old !== kept) old = removed(old)
    update(kept, node)
    old = kept.nextSibling
  }
  while (old) old = removed(old)
}

/**
 * Makes an element on the page what this one is, before the rest of the page is drawn.
 * @param {Element | null} old
 * @param {Element} node
 */
export function renew(old, node) {
  if (old) update(old, node)
}

/**
 * The next sibling that is what the node is to be. Without a key only the very next one will do.
 * @param {ChildNode | null} from
 * @param {Node} node
 */
function find(from, node) {
  const key = keyOf(node)
  if (key === null) return from && from.nodeName === node.nodeName && keyOf(from) === null ? from : null
  for (let old = from; old; old = old.nextSibling) if (keyOf(old) === key && old.nodeName === node.nodeName) return old
  return null
}

/** @param {Node} node */
function keyOf(node) {
  return node instanceof Element ? node.getAttribute('data-key') : null
}

/** @param {ChildNode} node */
function removed(node) {
  const next = node.nextSibling
  node.remove()
  return next
}

/**
 * @param {Node} old
 * @param {Node} node
 */
function update(old, node) {
  if (!(old instanceof Element) || !(node instanceof Element)) {
    if (old.nodeValue !== node.nodeValue) old.nodeValue = node.nodeValue
    return
  }
  // What the reader opened or closed is the reader's.
  const gone = [...old.attributes].filter(({ name }) => name !== 'open' && !node.hasAttribute(name))
  const given = [...node.attributes].filter(({ name, value }) => name !== 'open' && old.getAttribute(name) !== value)
  for (const { name } of gone) old.removeAttribute(name)
  for (const { name, value } of given) old.setAttribute(name, value)
  patch(old, [...node.childNodes])
}
