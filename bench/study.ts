import { join } from 'node:path'
import { foundTestStudy } from '../test/fixtures/study.ts'
import { Courier } from './courier.ts'
import { FieldLaptop } from './field-laptop.ts'
import { Program } from './program.ts'

/** A real study in a temporary directory, whose programs run for as long as the bench does. */
export interface Study {
  directory: string
  laptops: FieldLaptop[]
  courier: Courier
  server: Program
  /** An enrolled laptop that has recorded nothing and does not run. */
  spare(name: string): Promise<string>
  close(): Promise<void>
}

/** Founds the study, enrols everyone, starts the laptops' programs, the server's, and the relay's verbs. */
export async function startStudy(names: string[]): Promise<Study> {
  const { directory, enrol, dispose } = await foundTestStudy()
  for (const name of names) await enrol('field', name)
  const { data: relay } = await enrol('relay', 'driver')
  const programs: Array<{ stop(): Promise<void> }> = []
  const close = async () => {
    await Promise.all(programs.map((program) => program.stop()))
    dispose()
  }
  try {
    const laptops = names.map((name) => new FieldLaptop(name, join(directory, name)))
    const courier = new Courier(relay)
    const server = new Program('server', join(directory, 'server'), ['--announce-on', '127.0.0.1'])
    programs.push(...laptops, courier, server)
    await Promise.all([...laptops, courier, server].map(({ ready }) => ready))
    const spare = async (name: string) => (await enrol('field', name)).data
    return { directory, laptops, courier, server, spare, close }
  } catch (error) {
    await close()
    throw error
  }
}
