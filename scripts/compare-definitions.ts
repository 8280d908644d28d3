/**
 * What another set of message definitions would add to the declarations in src/protocol/apis, for instance that of the
 * next Kafka: a folder of Kafka's own `*.json` (clients/src/main/resources/common/message), or one file with an array of
 * them, gzipped or not.
 *
 *   npx tsx scripts/compare-definitions.ts ../kafka/clients/src/main/resources/common/message
 */
import { definitionReport } from './definition-report.ts'
import { readDefinitions } from './kafka-definitions.ts'

const [path, ...rest] = process.argv.slice(2)
if (path === undefined || rest.length > 0) {
  console.error('usage: npx tsx scripts/compare-definitions.ts FOLDER|FILE.json|FILE.json.gz')
  process.exit(2)
}
const definitions = readDefinitions(path)
const lines = definitionReport(definitions)
for (const line of lines) console.log(line)
console.log(
  `${definitions.length} messages read, ${lines.length === 0 ? 'nothing new' : `${lines.length} differences`}`,
)
