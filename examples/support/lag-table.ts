import type { GroupLagRow } from '../../src/index.ts'

/** The rows as `kafka-consumer-groups --describe` prints them. */
export function lagTable(rows: readonly GroupLagRow[]): string {
  const head = [
    'TOPIC',
    'PARTITION',
    'CURRENT-OFFSET',
    'LOG-END-OFFSET',
    'LAG',
    'CONSUMER-ID',
    'HOST',
    'CLIENT-ID',
  ]
  const lines = rows.map((row) => [
    row.topic,
    row.partition,
    row.currentOffset,
    row.logEndOffset,
    row.lag,
    row.consumerId,
    row.host,
    row.clientId,
  ])
  const table = [head, ...lines.map((line) => line.map((cell) => (cell === null ? '-' : String(cell))))]
  const widths = head.map((_, column) => Math.max(...table.map((line) => line[column]!.length)))
  return table
    .map((line) =>
      line
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
