import { registerHooks } from 'node:module'

/**
 * Two thirds of the time of a command went by here: drizzle-orm's package.json is 180 KB, and Node parses it again for each of
 * its hundred modules, only to learn that a `.js` file there is an ES module. This says so beforehand. Nothing depends on it.
 */
registerHooks({
  resolve(specifier, context, next) {
    const isInside = specifier.startsWith('.') && specifier.endsWith('.js')
    if (!isInside || !context.parentURL?.includes('/node_modules/drizzle-orm/')) return next(specifier, context)
    return { url: new URL(specifier, context.parentURL).href, format: 'module', shortCircuit: true }
  },
})
