import { expect } from 'vitest'
import { ProtocolError } from '../../../src/protocol/errors.ts'

/** An error of a codec says where in the compressed bytes it is. */
export function expectPlace(error: unknown, compressed: Uint8Array): void {
  if (!(error instanceof ProtocolError)) throw error
  const { offset } = error
  if (!(offset >= 0 && offset <= compressed.length)) {
    expect.fail(`offset ${offset} in ${compressed.length} bytes: ${error.message}`)
  }
}
