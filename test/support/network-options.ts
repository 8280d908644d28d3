import type { ClusterOptions } from '../../src/cluster/cluster.ts'
import type { NetworkOptions } from '../../src/network/broker.ts'
import { dial } from '../../src/network/dial.ts'

/** For brokers under the test's control: the defaults, with backoffs that a test can wait for. */
export function networkOptions(options: Partial<NetworkOptions> = {}): NetworkOptions {
  return {
    clientId: 'tests',
    connect: dial,
    tls: null,
    sasl: null,
    requestTimeoutMs: 5_000,
    connectionsMaxIdleMs: 540_000,
    reconnectBackoffMs: 5,
    reconnectBackoffMaxMs: 20,
    socketConnectionSetupTimeoutMs: 5_000,
    socketConnectionSetupTimeoutMaxMs: 30_000,
    receiveMessageMaxBytes: 1_000_000,
    ...options,
  }
}

/** The same for a cluster that is found by `addresses`, which are `host:port`. */
export function clusterOptions(
  addresses: readonly string[],
  options: Partial<ClusterOptions> = {},
): ClusterOptions {
  return {
    ...networkOptions(),
    bootstrapServers: addresses.map((address) => {
      const colon = address.lastIndexOf(':')
      return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) }
    }),
    retryBackoffMs: 5,
    retryBackoffMaxMs: 20,
    metadataMaxAgeMs: 300_000,
    metadataRecoveryStrategy: 'rebootstrap',
    allowAutoTopicCreation: false,
    ...options,
  }
}
