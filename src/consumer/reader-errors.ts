import type { KafkaError } from '../protocol/errors.ts'
import type { AssignedPartition } from './assigned-partition.ts'

interface ReaderError {
  readonly error: KafkaError
  /** Null: not about one partition. */
  readonly partition: AssignedPartition | null
  /** Whether it is still worth telling. */
  readonly isCurrent: () => boolean
  /** The application knows now. */
  readonly onThrown: () => void
}

/** What waits to be thrown to the application, in the order in which it came. */
export class ReaderErrors {
  readonly #waiting: ReaderError[] = []
  /** Thrown at each ask: nothing more can come. */
  #fatal: KafkaError | null = null

  /** Whether nothing waits but what is thrown at each ask. */
  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  add(error: KafkaError, onThrown: () => void): void {
    this.#waiting.push({ error, partition: null, isCurrent: () => true, onThrown })
  }

  /** About one partition, which rests until the application knows. */
  addOf(partition: AssignedPartition, error: KafkaError, onThrown: () => void): void {
    partition.hasFailed = true
    // Not its version: fetches that are dropped to make room change that too, and the error would be gone without anybody
    // having been told, while the partition rests until somebody is.
    const { jumps } = partition
    this.#waiting.push({
      error,
      partition,
      // A seek or a revocation since: it is about what nobody wants any more.
      isCurrent: () => partition.isAssigned && partition.jumps === jumps,
      onThrown: () => {
        partition.hasFailed = false
        partition.holdOff()
        onThrown()
      },
    })
  }

  addForGood(error: KafkaError): void {
    this.#fatal ??= error
  }

  /** Throws the first that is still worth telling. */
  throwFirst(): void {
    if (this.#fatal !== null) throw this.#fatal
    for (let first = this.#waiting.shift(); first !== undefined; first = this.#waiting.shift()) {
      if (!first.isCurrent()) continue
      first.onThrown()
      throw first.error
    }
  }

  /** Throws what there is to tell of this partition. */
  throwOf(partition: AssignedPartition): void {
    const at = this.#waiting.findIndex((one) => one.partition === partition && one.isCurrent())
    if (at < 0) return
    const [{ error, onThrown }] = this.#waiting.splice(at, 1) as [ReaderError]
    onThrown()
    throw error
  }
}
