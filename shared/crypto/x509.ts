import { webcrypto } from 'node:crypto'

type X509 = typeof import('@peculiar/x509')

let loading: Promise<X509> | undefined

/** The library that makes certificates (RFC 5280), loaded when the first is made: few programs ever make one, and it is 200 modules. */
export function loadX509(): Promise<X509> {
  loading ??= load()
  return loading
}

async function load(): Promise<X509> {
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0])
  return x509
}
