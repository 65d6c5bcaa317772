import type { FastifyInstance } from 'fastify'

/** What the card of command barcodes holds; a desk takes them for what they say, with WAYBILL- before them. */
const commands = ['UNDO', 'MISSING', 'SIGN', '1', '2', '3', '4', '5', '6', '7', '8', '9', '0']

/** `GET /card/UNDO.svg` and so on: Code 128, in modules of two units with the quiet zone that scanners need. */
export function serveCommandBarcodes(door: FastifyInstance): void {
  for (const command of commands)
    door.get(`/card/${command}.svg`, async (_request, reply) =>
      reply.type('image/svg+xml').send(await barcode(`WAYBILL-${command}`)),
    )
}

/** The library is large and the card is printed once: it is loaded when it is asked for. */
async function barcode(text: string): Promise<string> {
  const { toSVG } = await import('bwip-js/node')
  return toSVG({ bcid: 'code128', text, height: 14, paddingwidth: 10, paddingheight: 2, backgroundcolor: 'FFFFFF' })
}
