import type { VersionProfile } from '../versions/kafka-version.ts'
import type { FinalizedFeature } from '../versions/version-tables.ts'

/** Versions of features that the cluster is switched to (KIP-584). */
export class Features {
  readonly #levels: Map<string, number>
  /** Grows with each change; -1 where the Kafka knows of no features. */
  epoch: number

  constructor({ finalizedFeatures }: VersionProfile) {
    this.#levels = new Map(finalizedFeatures.map(({ name, maxVersionLevel }) => [name, maxVersionLevel]))
    this.epoch = finalizedFeatures.length === 0 ? -1 : 1
  }

  /** 0: it is off. */
  level(name: string): number {
    return this.#levels.get(name) ?? 0
  }

  set(name: string, level: number): void {
    if (level === 0) this.#levels.delete(name)
    else this.#levels.set(name, level)
    this.epoch++
  }

  /** As ApiVersions tells them. */
  finalized(): FinalizedFeature[] {
    return [...this.#levels]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, level]) => ({ name, maxVersionLevel: level, minVersionLevel: level }))
  }
}
