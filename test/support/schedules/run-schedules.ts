/** How one schedule went. */
export interface ScheduleReport {
  /** Empty: all is as it was promised. */
  readonly problems: readonly string[]
  readonly ms: number
  /** What is summed up over all schedules, by name. */
  readonly sums: Readonly<Record<string, number>>
}

/** A kind of schedules: all of one follows from its seed. */
export interface ScheduleKind<S> {
  /** As `--clients` names it, with what else it takes to see one again. */
  readonly clients: string
  draw(seed: number): S
  run(schedule: S): Promise<ScheduleReport>
  /** What a failure shows of it. */
  shown(schedule: S): unknown
}

export interface FailedSchedule {
  readonly seed: number
  readonly problems: readonly string[]
  /** As JSON. */
  readonly schedule: string
  readonly clients: string
}

export interface SchedulesReport {
  readonly failed: readonly FailedSchedule[]
  readonly sums: Readonly<Record<string, number>>
  readonly slowest: { readonly seed: number; readonly ms: number }
}

export interface RunSchedulesOptions<S> {
  readonly kind: ScheduleKind<S>
  readonly seeds: readonly number[]
  /** Schedules at a time: they mostly wait. @default 10 */
  readonly concurrency?: number
  /** @default `kind.run` */
  readonly run?: (schedule: S) => Promise<ScheduleReport>
  readonly onDone?: (done: number, failed: readonly FailedSchedule[]) => void
}

/** Plays the schedules of these seeds. A failure of the run itself counts as a problem of its schedule. */
export async function runSchedules<S>({
  kind,
  seeds,
  concurrency = 10,
  run = (schedule) => kind.run(schedule),
  onDone,
}: RunSchedulesOptions<S>): Promise<SchedulesReport> {
  const failed: FailedSchedule[] = []
  const sums: Record<string, number> = {}
  let next = 0
  let done = 0
  let slowest = { seed: 0, ms: 0 }
  const work = async () => {
    while (next < seeds.length) {
      const seed = seeds[next++]!
      const schedule = kind.draw(seed)
      let problems: readonly string[]
      try {
        const report = await run(schedule)
        problems = report.problems
        for (const [name, value] of Object.entries(report.sums)) sums[name] = (sums[name] ?? 0) + value
        if (report.ms > slowest.ms) slowest = { seed, ms: report.ms }
      } catch (error) {
        problems = [`it ended with ${error instanceof Error ? error.stack : String(error)}`]
      }
      if (problems.length > 0) {
        failed.push({ seed, problems, schedule: JSON.stringify(kind.shown(schedule)), clients: kind.clients })
      }
      onDone?.(++done, failed)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, work))
  return { failed, sums, slowest }
}

/** A failure for people: what is wrong, and how to see it again. */
export function describeFailure({ seed, problems, schedule, clients }: FailedSchedule): string {
  const most = 8
  const more = problems.length > most ? [`... and ${problems.length - most} more`] : []
  return [
    `seed ${seed}: again by npm run schedules -- --clients ${clients} --seed ${seed} --count 1 --repeat 20`,
    ...[...problems.slice(0, most), ...more].map((problem) => `  ${problem}`),
    `  ${schedule}`,
  ].join('\n')
}
