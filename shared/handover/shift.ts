import { Value } from '@sinclair/typebox/value'
import { Person } from '../protocol/handover.ts'
import { WaybillError } from '../service/errors.ts'
import { canBeSigned } from './check-act.ts'
import type { DeskParts } from './desk-parts.ts'

/** Who is on shift, and whether this laptop knows a PIN of theirs. */
export function shiftOf({ log, pins }: DeskParts): { person: Person | null; hasPin: boolean } {
  const person = log.onShift()
  return { person, hasPin: person !== null && pins.has(person) }
}

/** Someone takes the shift: one of the study's people by id, a name that was typed, or nobody. @throws BAD_REQUEST */
export function takeShift({ log, context }: DeskParts, person: Person | null): void {
  if (person !== null && (!Value.Check(Person, person) || !canBeSigned(person, 0)))
    throw new WaybillError('BAD_REQUEST', 'person: an id or null, and a name of up to 200 characters')
  log.add('shift', person && asTheStudySays(context.shelf.document.people, person))
  context.tell()
}

/** Gives the person on shift a PIN on this laptop. @throws PIN_REFUSED */
export async function givePin({ log, pins, context }: DeskParts, pin: string, old: string | null): Promise<void> {
  const person = log.onShift()
  if (person === null) throw new WaybillError('PIN_REFUSED', 'nobody is on shift')
  await pins.set(person, pin, old, () => log.add('pin', person))
  context.tell()
}

/** Nobody signs with the id of one person and the name of another. */
function asTheStudySays(people: Array<{ id: string; name: string }>, { id, name }: Person): Person {
  if (id === null) return { id, name }
  const known = people.find((one) => one.id === id)
  if (!known) throw new WaybillError('BAD_REQUEST', 'person: not one of the study')
  return { id, name: known.name }
}
