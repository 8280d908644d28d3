import type { ClusterOptions } from '../cluster/cluster.ts'
import { dial } from '../network/dial.ts'
import type { SaslMechanism } from '../network/sasl/mechanism.ts'
import { plain } from '../network/sasl/plain.ts'
import { type ParsedClientOptions, parseAddresses, type SaslPasswordOptions } from './client-options.ts'

/** What the cluster layer needs, from the options that a user gave. */
export function clusterOptions(
  options: ParsedClientOptions,
  { allowAutoTopicCreation }: { allowAutoTopicCreation: boolean },
): ClusterOptions {
  const { bootstrapServers, tls, sasl, connect, ...same } = options
  return {
    ...same,
    bootstrapServers: parseAddresses(bootstrapServers),
    tls: tls === false ? null : tls,
    sasl: sasl === undefined ? null : mechanismOf(sasl),
    connect: connect ?? dial,
    allowAutoTopicCreation,
  }
}

function mechanismOf(sasl: SaslPasswordOptions | SaslMechanism): SaslMechanism {
  return 'authenticate' in sasl ? sasl : plain(sasl.username, sasl.password)
}
