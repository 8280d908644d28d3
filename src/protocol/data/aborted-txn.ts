import { message, type ValueOf } from '../message.ts'
import { int64 } from '../schema.ts'

/** One entry of a broker's index of aborted transactions, behind an int16 version (a `.txnindex` file). */
export const abortedTxn = message('AbortedTxn', {
  versions: '0',
  flexible: 'none',
  fields: {
    producerId: int64(),
    firstOffset: int64(),
    /** Offset of the ABORT marker. */
    lastOffset: int64(),
    lastStableOffset: int64(),
  },
})

export type AbortedTxn = ValueOf<typeof abortedTxn>
