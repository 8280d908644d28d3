import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { SampleName } from './samples.ts'

export interface ZstdFrame {
  sample: SampleName
  level: number
  /** Whether it ends with a checksum of its content. */
  checksum: boolean
  bytes: Buffer
}

/**
 * Samples compressed by the reference implementation (libzstd 1.5.7, in Node 24.11's `zstdCompressSync`), so that they can
 * be read back on a Node without it. `sample` names the content, which `samples.ts` makes again.
 */
export function zstdFrames(): ZstdFrame[] {
  const packed = readFileSync(new URL('zstd-frames.ndjson.gz', import.meta.url))
  return gunzipSync(packed)
    .toString()
    .trim()
    .split('\n')
    .map((line) => {
      const { frame, ...rest } = JSON.parse(line) as Omit<ZstdFrame, 'bytes'> & { frame: string }
      return { ...rest, bytes: Buffer.from(frame, 'base64') }
    })
}
