import { readFile } from 'node:fs/promises'
import { messageOf } from '../errors.ts'
import type { Io } from './output.ts'
import { UsageError } from './usage-error.ts'

/** What is read as bytes: hex digits as text, the bytes themselves, or by a look at them. */
export type InputFormat = 'auto' | 'hex' | 'raw'

/**
 * Bytes that somebody named on the command line: as hex, by the name of a file, or `-` for stdin. Hex may have blanks,
 * line ends, colons, commas and `0x` in it. What reads as hex is hex, whatever files there are: `./cafe` is a file.
 * Throws UsageError.
 */
export async function readBytes(
  operands: readonly string[],
  io: Io,
  format: InputFormat = 'auto',
): Promise<Uint8Array> {
  const text = operands.join(' ')
  if (text === '-') return bytesOf(await readAll(io), 'stdin', format)
  const hex = format === 'raw' ? null : hexOf(text)
  if (hex !== null && hex.length > 0) return hex
  // Several words are never one file; and a name as long as a frame cannot be opened.
  if (operands.length > 1) throw new UsageError(`${shown(text)}: not hex: ${notHex(text)}`)
  let content: Uint8Array
  try {
    content = await readFile(text)
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : messageOf(error)
    throw new UsageError(`${shown(text)}: neither hex (${notHex(text)}) nor a file (${reason})`)
  }
  return bytesOf(content, text, format)
}

/** Text of an argument: as it is, `@file` for the content of a file, `-` for stdin. Throws UsageError. */
export async function readText(argument: string, io: Io): Promise<string> {
  if (argument === '-') return new TextDecoder().decode(await readAll(io))
  return argument.startsWith('@') ? await readTextFile(argument.slice(1)) : argument
}

/** Throws UsageError. */
export async function readTextFile(name: string): Promise<string> {
  try {
    return await readFile(name, 'utf8')
  } catch (error) {
    throw new UsageError(`cannot read ${shown(name)}: ${messageOf(error)}`)
  }
}

function bytesOf(content: Uint8Array, name: string, format: InputFormat): Uint8Array {
  if (content.length === 0) throw new UsageError(`${name} is empty`)
  if (format === 'raw') return content
  // Frames begin with zeros, which are no text; so what is all hex digits was meant as such.
  const isText = content.every((byte) => byte < 0x80 && (byte >= 0x20 || (byte >= 0x09 && byte <= 0x0d)))
  const text = isText || format === 'hex' ? Buffer.from(content).toString('latin1') : null
  const hex = text === null ? null : hexOf(text)
  if (hex !== null && hex.length > 0) return hex
  if (text !== null && format === 'hex') throw new UsageError(`${name}: not hex: ${notHex(text)}`)
  return content
}

const separators = /0x|[\s:,]/gi

/** Null where it is none. */
function hexOf(text: string): Uint8Array | null {
  const digits = text.replace(separators, '')
  return digits.length % 2 === 0 && /^[0-9a-f]*$/i.test(digits) ? Buffer.from(digits, 'hex') : null
}

/** Why it is no hex. */
function notHex(text: string): string {
  const at = text.replace(separators, (all) => ' '.repeat(all.length)).search(/[^0-9a-f ]/i)
  if (at >= 0) return `${JSON.stringify(text[at])} at character ${at + 1}; allowed are 0-9 and a-f`
  const digits = text.replace(separators, '').length
  return digits === 0 ? 'no digits' : `${digits} digits, and a byte has two`
}

async function readAll(io: Io): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of io.stdin) chunks.push(chunk as Uint8Array)
  return Buffer.concat(chunks)
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text)
}
