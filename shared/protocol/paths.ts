/** The doors between peers, over mutual TLS 1.3. PROTOCOL.md says what each takes and answers. */
export const paths = {
  /** Enrolment door of the server: the only one that asks for no credential. */
  enrolment: '/v1/enrolment',
  meeting: '/v1/meeting',
  lines: '/v1/lines',
  manifests: '/v1/manifests',
  payloads: '/v1/payloads',
  custody: '/v1/custody',
  offers: '/v1/offers',
  batches: '/v1/batches',
  knock: '/v1/knock',
  /** A laptop in a handover with the relay that asks: acts, revisions and signatures, both ways. */
  handover: '/v1/handover',
  /** The server's door for signed handovers. */
  handovers: '/v1/handovers',
} as const
/** Where each program listens for its peers, unless told otherwise. */
export const ports = {
  field: 7440,
  fieldPage: 7441,
  relay: 7451,
  relayPage: 7450,
  server: 7460,
  serverPage: 7461,
  serverHttps: 7462,
} as const
