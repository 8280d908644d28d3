import type { Api } from '../message.ts'
import type { FieldMap } from '../schema.ts'

const apiVersionsKey = 18

/**
 * A broker that does not know the asked version of ApiVersions says so in version 0, which all understand (KIP-511);
 * every other answer has the version of its request. `at` is where the body starts.
 */
export function responseBodyVersion(
  api: Api<FieldMap, FieldMap>,
  version: number,
  bytes: Uint8Array,
  at: number,
): number {
  const isRefusal = api.key === apiVersionsKey && bytes[at] === 0 && bytes[at + 1] === 35
  return isRefusal ? 0 : version
}
