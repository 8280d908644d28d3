import { brokerErrorInfo } from '../broker-errors.ts'
import type { Explanation } from '../explain.ts'
import type { ExplainedField, ExplainedValue } from './entry-list.ts'

export interface FormatOptions {
  /**
   * Bytes on one line; a longer field goes on below.
   *
   * @default 16
   */
  readonly bytesPerLine?: number
  /**
   * Bytes shown of one field; what is left out is counted.
   *
   * @default 64
   */
  readonly maxBytesPerField?: number
}

interface Line {
  readonly offset: string
  readonly hex: string
  readonly path: string
  readonly type: string
  readonly value: string
}

/**
 * An explanation as text, a line for each entry: offset, hex, path, type, value. Decompressed bytes come after the
 * compressed ones, their offsets marked by a `+`. Errors and warnings follow. Ends with a line end.
 */
export function formatExplanation(explanation: Explanation, options: FormatOptions = {}): string {
  const { bytesPerLine = 16, maxBytesPerField = 64 } = options
  const lines: Line[] = []
  for (const field of explanation.fields) {
    const bytes = bytesOf(explanation, field)
    const shown = bytes.subarray(0, maxBytesPerField)
    const mark = field.inside === undefined ? '' : '+'
    const at = (offset: number) => mark + offset.toString(16).padStart(mark === '' ? 6 : 5, '0')
    lines.push({
      offset: at(field.offset),
      hex: hexOf(shown.subarray(0, bytesPerLine)),
      path: field.path,
      type: field.type,
      value: formatValue(field),
    })
    for (let i = bytesPerLine; i < shown.length; i += bytesPerLine) {
      lines.push({ ...empty, offset: at(field.offset + i), hex: hexOf(shown.subarray(i, i + bytesPerLine)) })
    }
    if (shown.length < bytes.length) lines.push({ ...empty, hex: `... ${bytes.length - shown.length} more` })
  }
  const text = align(lines)
  const { error, recordErrors, warnings } = explanation
  const says = (kind: string, at: { offset: number; path: string; message: string; inside?: string }) => {
    const where = at.inside === undefined ? '' : ` of ${at.inside}`
    return `${kind} at byte ${at.offset}${where}: ${at.path === '' ? '' : `${at.path}: `}${at.message}`
  }
  if (error !== null) text.push(says('error', error))
  for (const recordError of recordErrors) text.push(says('error', recordError))
  for (const warning of warnings) text.push(says('warning', warning))
  return `${text.join('\n')}\n`
}

const empty: Line = { offset: '', hex: '', path: '', type: '', value: '' }

function bytesOf(
  { bytes, decompressed }: Explanation,
  { offset, length, inside }: ExplainedField,
): Uint8Array {
  const all = inside === undefined ? bytes : decompressed.get(inside)!
  return all.subarray(offset, offset + length)
}

function align(lines: readonly Line[]): string[] {
  const width = (column: keyof Line) => lines.reduce((most, line) => Math.max(most, line[column].length), 0)
  const [offset, hex, path, type] = [width('offset'), width('hex'), width('path'), width('type')]
  return lines.map((line) =>
    [
      line.offset.padEnd(offset),
      line.hex.padEnd(hex),
      line.path.padEnd(path),
      line.type.padEnd(type),
      line.value,
    ]
      .join('  ')
      .trimEnd(),
  )
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
}

function formatValue({ path, type, value }: ExplainedField): string {
  const text = valueText(value)
  // Kafka's name says more than its number.
  const isErrorCode = type === 'int16' && typeof value === 'number' && /(^|\.)errorCode$/.test(path)
  if (!isErrorCode) return text
  return `${text} ${value === 0 ? 'NONE' : brokerErrorInfo(value).name}`
}

function valueText(value: ExplainedValue): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (!(value instanceof Uint8Array)) return String(value)
  const isText = value.length > 0 && value.every((byte) => byte >= 0x20 && byte < 0x7f)
  if (isText && value.length <= 100) return JSON.stringify(String.fromCharCode(...value))
  return `<${value.length} bytes>`
}
