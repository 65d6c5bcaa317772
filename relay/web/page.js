// @ts-check
import { el, figure, number, say, show, since, table } from '/frame.js'

show((state, now) => [el('h1', {}, say('relay.title'))])
