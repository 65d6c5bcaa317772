type X509 = typeof import('@peculiar/x509')

/** The library that makes certificates (RFC 5280), loaded when the first is made: few programs ever make one, and it is 200 modules. */
export async function loadX509(): Promise<X509> {
  await import('reflect-metadata')
  return import('@peculiar/x509')
}
