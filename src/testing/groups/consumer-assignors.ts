import { rangeAssignor } from './range-assignor.ts'
import type { ServerAssignor } from './server-assignor.ts'
import { uniformAssignor } from './uniform-assignor.ts'

/** What there is to choose from with `group.consumer.assignors`, by name. */
export const consumerAssignors: ReadonlyMap<string, ServerAssignor> = new Map(
  [uniformAssignor, rangeAssignor].map((assignor) => [assignor.name, assignor]),
)
