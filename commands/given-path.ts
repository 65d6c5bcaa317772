import { readFileSync, statSync } from 'node:fs'
import { WaybillError } from '../shared/service/errors.ts'

const reasons: Record<string, string> = {
  EACCES: 'you may not use it',
  EISDIR: 'it is a directory',
  ENOENT: 'there is no such file',
  ENOTDIR: 'a part of the path is no directory',
}

/** More than a study document may hold. */
const mostBytes = 16 * 1024 * 1024

/** Reads a file that a person named. @throws BAD_ARGUMENT saying why it cannot be read */
export function readGiven(path: string): string {
  try {
    if (statSync(path).size > mostBytes)
      throw new WaybillError('BAD_ARGUMENT', `${path}: larger than ${mostBytes} bytes`)
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw unusable(path, cause)
  }
}

/** Does what needs a path that a person named. @throws BAD_ARGUMENT saying why that path cannot be used */
export async function withGiven<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (cause) {
    throw unusable(path, cause)
  }
}

/** Reads a JSON file that a person named. @param what what it should be, such as `a request file` */
export function readGivenJson(path: string, what: string): unknown {
  const text = readGiven(path)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new WaybillError('BAD_ARGUMENT', `${path} is not ${what}: it is not JSON`, { cause })
  }
}

function unusable(path: string, cause: unknown): unknown {
  const reason = cause instanceof Error && 'code' in cause ? reasons[String(cause.code)] : undefined
  return reason === undefined ? cause : new WaybillError('BAD_ARGUMENT', `${path}: ${reason}`, { cause })
}
