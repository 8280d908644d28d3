/** One step of IncrementalAlterConfigs; `operation` by `configOperations`. */
export interface ConfigChange {
  readonly name: string
  readonly operation: number
  readonly value: string | null
}

/** What one resource sets of its configs, and what it may set. */
export interface ConfigStore {
  readonly current: ReadonlyMap<string, string>
  isList(name: string): boolean
  /** What counts where nothing is set; null: nothing. */
  defaultOf(name: string): string | null
  /** @throws Refusal where these values do not do. */
  check(values: ReadonlyMap<string, string>, changes: readonly ConfigChange[]): void
  /** @throws Refusal where there is no such thing. */
  mustExist(): void
  replace(values: ReadonlyMap<string, string>): void
}
