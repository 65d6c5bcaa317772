/** The mDNS service (RFC 6763): `_waybill._tcp`. It says nothing of people, places or counts. */
export const serviceType = 'waybill'
/** How service instances end. */
export const serviceSuffix = '._waybill._tcp.local'

const mostParts = 16
const longestPart = 64

/** The TXT record: protocol version and a short study tag. */
export function announcementText(study: string): { v: string; s: string } {
  return { v: '1', s: studyTag(study) }
}

/** First 8 hex digits of the study id: enough to leave other studies alone, too little to prove anything. */
export function studyTag(study: string): string {
  return study.slice(0, 8)
}

/**
 * Reads a TXT record from the network; undefined for what is not an announcement of this version. Of a key given twice the
 * first counts (RFC 6763, 6.4), and what is over-long is not read.
 */
export function readAnnouncement(text: unknown): { tag: string } | undefined {
  const parts = (Array.isArray(text) ? text : [text]).slice(0, mostParts).filter(isShort).map(String)
  const first = (key: string) => parts.find((part) => part.startsWith(`${key}=`))?.slice(key.length + 1)
  const tag = first('s')
  return first('v') === '1' && tag !== undefined && /^[0-9a-f]{8}$/.test(tag) ? { tag } : undefined
}

function isShort(part: unknown): part is string | Buffer {
  return (typeof part === 'string' || Buffer.isBuffer(part)) && part.length <= longestPart
}
