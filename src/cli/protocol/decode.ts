import { formatVersions } from '../../protocol/version-range.ts'
import type { ExitCode } from '../exit-code.ts'
import { type InputFormat, readBytes } from '../input.ts'
import type { Io } from '../output.ts'
import { UsageError } from '../usage-error.ts'
import { decodeCapture } from './decode-capture.ts'
import { decodeData } from './decode-data.ts'
import { decodeFrames, type FrameSpec } from './decode-frames.ts'
import { decodeRecordBatches } from './decode-record-batches.ts'
import { apiSubject, type Direction, subjectOf, versionOf } from './subject.ts'

export interface DecodeOptions {
  readonly api?: string
  /** `12` or `v12`. */
  readonly version?: string
  readonly direction?: Direction
  /** Several frames, each with its size. */
  readonly frames?: boolean
  /** No size and no header. */
  readonly body?: boolean
  /** False: they begin with the header. */
  readonly size: boolean
  readonly message?: string
  readonly records?: boolean
  readonly json?: boolean
  readonly strict?: boolean
  /** Of a capture: the bytes too, not only what was said. */
  readonly dump?: boolean
  /** Of a capture: connections with one of these ports alone. */
  readonly port?: readonly number[]
  readonly inputFormat: InputFormat
}

/** `kafkawire protocol decode`: what bytes mean. */
export async function decode(operands: readonly string[], options: DecodeOptions, io: Io): Promise<ExitCode> {
  checkCombination(options)
  const print = { json: options.json ?? false, strict: options.strict ?? false }
  if (options.records) {
    return await decodeRecordBatches(await readBytes(operands, io, options.inputFormat), print, io)
  }
  if (options.message !== undefined) {
    const subject = subjectOf(options.message)
    const message = subject.kind === 'data' ? subject.message : bodyOf(options.message, subject)
    const version = options.version === undefined ? null : versionOf(options.version, message)
    if (version === null && subject.kind === 'api') {
      const allowed = formatVersions(message.versions)
      throw new UsageError(`--message ${message.name} needs --version: allowed are ${allowed}`)
    }
    const bytes = await readBytes(operands, io, options.inputFormat)
    return await decodeData(bytes, message, version, print, io)
  }
  const spec = frameSpec(options)
  const bytes = await readBytes(operands, io, options.inputFormat)
  if (mayBeCapture(options) && isCapture(bytes)) {
    const { api, version, direction, frames, dump = false, port: ports = [] } = options
    if (frames || [api, version, direction].some((option) => option !== undefined)) {
      const others = '--api, --version, --direction and --frames'
      throw new UsageError(`a capture tells by itself what is in it: ${others} are not for it`)
    }
    return await decodeCapture(bytes, { ...print, dump, ports }, io)
  }
  if (options.dump || options.port !== undefined) {
    throw new UsageError(
      `${options.dump ? '--dump' : '--port'} is for captures, and this is neither pcap nor pcapng`,
    )
  }
  return await decodeFrames(bytes, spec, print, io)
}

function bodyOf(name: string, { api, direction }: ReturnType<typeof apiSubject>) {
  if (direction === null) {
    throw new UsageError(`--message ${name}: ${api.name}Request and ${api.name}Response are messages`)
  }
  return api[direction]
}

function checkCombination({ records, message, ...options }: DecodeOptions): void {
  const { api, version, direction, frames, body, size } = options
  const only = records ? '--records' : message === undefined ? null : '--message'
  const others = [
    ...(records && message !== undefined ? ['--message'] : []),
    ...(records && version !== undefined ? ['--version'] : []),
    ...(api === undefined ? [] : ['--api']),
    ...(direction === undefined ? [] : ['--direction']),
    ...(frames ? ['--frames'] : []),
    ...(body ? ['--body'] : []),
    ...(size ? [] : ['--no-size']),
  ]
  if (only !== null && others.length > 0)
    throw new UsageError(`${only} does not go with ${others.join(', ')}`)
  if (frames && (body || !size)) {
    throw new UsageError(
      `--frames does not go with ${body ? '--body' : '--no-size'}: each frame begins with its size`,
    )
  }
}

function frameSpec(options: DecodeOptions): FrameSpec {
  const subject = options.api === undefined ? null : apiSubject(options.api)
  const said = options.direction ?? subject?.direction ?? null
  if (subject?.direction && options.direction !== undefined && subject.direction !== options.direction) {
    throw new UsageError(`--api ${options.api} is no ${options.direction}`)
  }
  if (options.body && (subject === null || options.version === undefined || said === null)) {
    throw new UsageError('--body needs --api, --version and --direction: there is no header that tells them')
  }
  // A request tells in its header what it is. So who has to tell it has an answer.
  const direction = said ?? (subject === null ? 'request' : 'response')
  if (direction === 'response' && (subject === null || options.version === undefined)) {
    throw new UsageError('a response needs --api and --version: its bytes do not tell them')
  }
  if (subject === null && options.version !== undefined) {
    throw new UsageError('--version goes with --api or --message: a request tells its own version')
  }
  const version =
    options.version === undefined || subject === null ? null : versionOf(options.version, subject.api)
  return {
    api: subject?.api ?? null,
    version,
    direction,
    start: options.body ? 'body' : options.size ? 'size' : 'header',
    several: options.frames ?? false,
  }
}

/** No frame begins as a capture, since it would be far too large; a header or body could. */
function mayBeCapture({ body, size, inputFormat }: DecodeOptions): boolean {
  return size && !body && inputFormat !== 'raw'
}

/** The first bytes of pcap files of both byte orders and units of time, and of pcapng files. */
const captureMagics = ['d4c3b2a1', 'a1b2c3d4', '4d3cb2a1', 'a1b23c4d', '0a0d0d0a']

function isCapture(bytes: Uint8Array): boolean {
  return captureMagics.includes(Buffer.from(bytes.subarray(0, 4)).toString('hex'))
}
