// @ts-check
import { el, say, show } from '/frame.js'

show((_state, _now) => [el('h1', {}, say('relay.title'))])
