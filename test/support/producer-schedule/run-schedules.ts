import { drawSchedule, type ProducerSchedule } from './draw-schedule.ts'
import { runSchedule, type ScheduleReport } from './run-schedule.ts'

export interface FailedSchedule {
  readonly seed: number
  readonly problems: readonly string[]
  /** As JSON, but for what is sent. */
  readonly schedule: string
}

export interface SchedulesReport {
  readonly failed: readonly FailedSchedule[]
  readonly sent: number
  readonly produceRequests: number
  readonly slowest: { readonly seed: number; readonly ms: number }
}

export interface RunSchedulesOptions {
  readonly seeds: readonly number[]
  /** Schedules at a time: they mostly wait. @default 10 */
  readonly concurrency?: number
  /** @default in memory */
  readonly run?: (schedule: ProducerSchedule) => Promise<ScheduleReport>
  readonly onDone?: (done: number, failed: readonly FailedSchedule[]) => void
}

/** Plays the schedules of these seeds. A failure of the run itself counts as a problem of its schedule. */
export async function runSchedules({
  seeds,
  concurrency = 10,
  run = runSchedule,
  onDone,
}: RunSchedulesOptions): Promise<SchedulesReport> {
  const failed: FailedSchedule[] = []
  let next = 0
  let done = 0
  let sent = 0
  let produceRequests = 0
  let slowest = { seed: 0, ms: 0 }
  const work = async () => {
    while (next < seeds.length) {
      const seed = seeds[next++]!
      const schedule = drawSchedule(seed)
      let problems: readonly string[]
      try {
        const report = await run(schedule)
        problems = report.problems
        sent += report.sent
        produceRequests += report.produceRequests
        if (report.ms > slowest.ms) slowest = { seed, ms: report.ms }
      } catch (error) {
        problems = [`it ended with ${error instanceof Error ? error.stack : String(error)}`]
      }
      if (problems.length > 0) failed.push({ seed, problems, schedule: shown(schedule) })
      onDone?.(++done, failed)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, work))
  return { failed, sent, produceRequests, slowest }
}

function shown({ bursts, ...rest }: ProducerSchedule): string {
  return JSON.stringify({ ...rest, bursts: bursts.length })
}

/** A failure for people: what is wrong, and how to see it again. */
export function describeFailure({ seed, problems, schedule }: FailedSchedule): string {
  const most = 8
  const more = problems.length > most ? [`... and ${problems.length - most} more`] : []
  return [
    `seed ${seed}: again by npm run schedules -- --seed ${seed} --count 1 --repeat 20`,
    ...[...problems.slice(0, most), ...more].map((problem) => `  ${problem}`),
    `  ${schedule}`,
  ].join('\n')
}
