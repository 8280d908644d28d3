/** API key, lowest and highest version. */
export type OfferedApi = readonly [key: number, min: number, max: number]

/** A feature that a broker could be switched to (KIP-584), as in its answer to ApiVersions. */
export interface SupportedFeature {
  readonly name: string
  /** 0: it can be off. Answers before version 4 leave these features out: older clients fail on a 0 (KAFKA-17011). */
  readonly minVersion: number
  readonly maxVersion: number
}

/** A feature that the cluster is switched to, as in a broker's answer to ApiVersions. */
export interface FinalizedFeature {
  readonly name: string
  readonly maxVersionLevel: number
  readonly minVersionLevel: number
}
