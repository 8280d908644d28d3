import { closest } from '../../closest.ts'
import { InvalidOptionError } from '../../errors.ts'

/** For a name that Kafka does not have; it names the one that was probably meant. */
export function unknownConfig(what: string, name: string, known: Iterable<string>): InvalidOptionError {
  const [nearest] = closest(name, [...known])
  const hint = nearest === undefined ? '' : `; did you mean '${nearest}'?`
  return new InvalidOptionError(`unknown ${what} config '${name}'${hint}`)
}
