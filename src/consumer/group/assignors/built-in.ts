import { InvalidOptionError } from '../../../errors.ts'
import type { PartitionAssignor } from './assignor.ts'
import { cooperativeStickyAssignor } from './cooperative-sticky.ts'
import { rangeAssignor } from './range.ts'
import { roundRobinAssignor } from './roundrobin.ts'
import { stickyAssignor } from './sticky.ts'

/** By protocol name, how to make one. An assignor may keep state, so each consumer makes its own. */
export const builtInAssignors: ReadonlyMap<string, () => PartitionAssignor> = new Map([
  ['range', () => rangeAssignor],
  ['roundrobin', () => roundRobinAssignor],
  ['sticky', stickyAssignor],
  ['cooperative-sticky', cooperativeStickyAssignor],
])

/**
 * The assignor for one consumer by its protocol name: `range`, `roundrobin`, `sticky` or `cooperative-sticky`.
 *
 * @throws InvalidOptionError for any other name.
 */
export function assignorByName(name: string): PartitionAssignor {
  const create = builtInAssignors.get(name)
  if (create === undefined) {
    const allowed = [...builtInAssignors.keys()].join(', ')
    throw new InvalidOptionError(`no partition assignor is named '${name}', allowed: ${allowed}`)
  }
  return create()
}
