import { type SampleWindows, Sensor } from './sensor.ts'

/** What the connections of one client have carried. Counted by frame and by chunk, never by record. */
export class NetworkMetrics {
  /** A request each, its value the bytes of the frame. */
  readonly requests: Sensor
  /** An answer each, its value the bytes of the frame. */
  readonly responses: Sensor
  readonly connectionsOpened: Sensor
  readonly connectionsClosed: Sensor

  constructor(windows: SampleWindows) {
    this.requests = new Sensor(windows)
    this.responses = new Sensor(windows)
    this.connectionsOpened = new Sensor(windows)
    this.connectionsClosed = new Sensor(windows)
  }

  get connectionCount(): number {
    return this.connectionsOpened.count - this.connectionsClosed.count
  }
}
