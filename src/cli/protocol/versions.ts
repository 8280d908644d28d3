import type { RawConnection } from '../../network/raw-connection.ts'
import { apiVersions } from '../../protocol/apis/api-versions.ts'
import { brokerErrorInfo, errorCodes } from '../../protocol/broker-errors.ts'
import { ByteReader } from '../../protocol/byte-reader.ts'
import type { Api } from '../../protocol/message.ts'
import { apis } from '../../protocol/registry.ts'
import { formatVersions, highestCommonVersion, type VersionRange } from '../../protocol/version-range.ts'
import { clientSoftware } from '../../version.ts'
import { type ExitCode, exitCodes } from '../exit-code.ts'
import type { Io } from '../output.ts'
import { textTable } from '../table.ts'
import { type BrokerOptions, connectTo, decodedOf } from './raw-broker.ts'
import { apiOfKey } from './subject.ts'

export interface VersionsOptions extends BrokerOptions {
  readonly json?: boolean
}

interface Row {
  readonly key: number
  /** Null for one that is not known here. */
  readonly api: string | null
  readonly broker: VersionRange | null
  readonly client: VersionRange | null
  readonly used: number | null
}

/** `kafkawire protocol versions`: what a broker offers, beside what is spoken here. */
export async function versions(options: VersionsOptions, io: Io): Promise<ExitCode> {
  const connection = await connectTo(options, io)
  let offered: Map<number, VersionRange> | number
  try {
    offered = await ask(connection)
  } finally {
    await connection.close()
  }
  if (typeof offered === 'number') {
    const { name, meaning } = brokerErrorInfo(offered)
    await io.stderr.print(`error: the broker answers ${offered} ${name}: ${meaning}\n`)
    return exitCodes.failed
  }
  const rows = rowsOf(offered)
  await io.stdout.print(options.json ? `${JSON.stringify(rows)}\n` : tableOf(rows))
  return exitCodes.ok
}

/** As clients do: version 4 first, and on a refusal the one that it names (KIP-511), or 0. Else the error code. */
async function ask(connection: RawConnection): Promise<Map<number, VersionRange> | number> {
  const { name, version: software } = clientSoftware
  let version = 4
  for (;;) {
    const body = version < 3 ? {} : { clientSoftwareName: name, clientSoftwareVersion: software }
    const answer = await connection.send(apiVersions, version, body)
    // Where the error stands is known in all versions; not every broker words the rest of a refusal as it should.
    const errorCode = answer.frame.length < 6 ? null : new ByteReader(answer.frame, 4).int16()
    if (errorCode !== errorCodes.unsupportedVersion || version === 0) {
      const decoded = decodedOf(answer)
      if (decoded.errorCode !== errorCodes.none) return decoded.errorCode
      return new Map(
        decoded.apiKeys.map(({ apiKey, minVersion, maxVersion }) => [
          apiKey,
          { min: minVersion, max: maxVersion },
        ]),
      )
    }
    const own = answer.decoded?.apiKeys.find(({ apiKey }) => apiKey === apiVersions.key)
    // Each refusal leads to a lower version, whatever the broker says: so this ends.
    version = Math.max(0, Math.min(own?.maxVersion ?? 0, version - 1))
  }
}

function rowsOf(offered: ReadonlyMap<number, VersionRange>): Row[] {
  const keys = new Set([...offered.keys(), ...apis.map(({ key }) => key)])
  return [...keys]
    .sort((a, b) => a - b)
    .map((key) => {
      const api: Api | null = apiOfKey(key)
      const broker = offered.get(key) ?? null
      const client = api?.versions ?? null
      const used = api === null || broker === null ? null : highestCommonVersion(broker, api.stableVersions)
      return { key, api: api?.name ?? null, broker, client, used }
    })
}

function tableOf(rows: readonly Row[]): string {
  return textTable(
    ['KEY', 'API', 'BROKER', 'KAFKAWIRE', 'USED', 'NOTE'],
    rows.map(({ key, api, broker, client, used }) => [
      String(key),
      api ?? '?',
      broker === null ? '-' : formatVersions(broker),
      client === null ? '-' : formatVersions(client),
      used === null ? '-' : String(used),
      noteOf(broker, client, used),
    ]),
  )
}

function noteOf(broker: VersionRange | null, client: VersionRange | null, used: number | null): string {
  if (broker === null) return 'kafkawire only'
  if (client === null) return 'broker only'
  return used === null ? 'no common version' : ''
}
