import { addRaftVoter } from '../../../../src/protocol/apis/add-raft-voter.ts'
import { alterReplicaLogDirs } from '../../../../src/protocol/apis/alter-replica-log-dirs.ts'
import { describeLogDirs } from '../../../../src/protocol/apis/describe-log-dirs.ts'
import { describeQuorum } from '../../../../src/protocol/apis/describe-quorum.ts'
import { listConfigResources } from '../../../../src/protocol/apis/list-config-resources.ts'
import { metadata } from '../../../../src/protocol/apis/metadata.ts'
import { removeRaftVoter } from '../../../../src/protocol/apis/remove-raft-voter.ts'
import { unregisterBroker } from '../../../../src/protocol/apis/unregister-broker.ts'
import { updateFeatures } from '../../../../src/protocol/apis/update-features.ts'
import { casesOf } from '../differential-case.ts'

const nowhere = '7Cf6nFYZTdq5vzVLlxGtBA'

export const operationCases = [
  ...casesOf(describeLogDirs, {
    'of partitions that are, and are not': async (kafka) => {
      const { name } = await kafka.topic()
      const describe = (topic: string, ...partitions: number[]) =>
        // Where the folders are, and how full, is another matter on each machine.
        kafka.askFor(describeLogDirs, { topics: [{ topic, partitions }] }, (answer) => ({
          ...answer,
          results: answer.results.map((one) => ({ ...one, logDir: '/', totalBytes: 0n, usableBytes: 0n })),
        }))
      await describe(name, 0)
      await describe(name, 9)
      await describe(name)
      await describe(kafka.named('none'), 0)
    },
  }),
  ...casesOf(alterReplicaLogDirs, {
    'to folders that are not': async (kafka) => {
      const { name } = await kafka.topic()
      const alter = (path: string, topic: string, ...partitions: number[]) =>
        kafka.ask(alterReplicaLogDirs, { dirs: [{ path, topics: [{ name: topic, partitions }] }] })
      await alter('/no/such/folder', name, 0)
      await alter('no/folder', name, 0)
      await alter('/no/such/folder', kafka.named('none'), 0)
      await kafka.ask(alterReplicaLogDirs, { dirs: [] })
    },
  }),
  ...casesOf(describeQuorum, {
    'of what is no quorum': async (kafka) => {
      const describe = (topicName: string, partitionIndex: number) =>
        kafka.ask(describeQuorum, { topics: [{ topicName, partitions: [{ partitionIndex }] }] })
      await describe('__cluster_metadata', 1)
      await describe(kafka.named('none'), 0)
      await kafka.ask(describeQuorum, { topics: [] })
    },
  }),
  ...casesOf(updateFeatures, {
    'that are not, and levels that are not': async (kafka) => {
      const update = (feature: string, maxVersionLevel: number, more: object = {}) =>
        kafka.ask(updateFeatures, {
          featureUpdates: [{ feature, maxVersionLevel, ...more }],
          timeoutMs: 5000,
          validateOnly: true,
        })
      await update('no.such.feature', 1)
      await update('metadata.version', 99)
      await update('metadata.version', -1)
      await update('group.version', 7)
      await kafka.ask(updateFeatures, { featureUpdates: [], timeoutMs: 5000, validateOnly: true })
    },
  }),
  ...casesOf(listConfigResources, {
    'of types that are, and are not': async (kafka) => {
      const topic = await kafka.topic()
      const list = (...resourceTypes: number[]) =>
        kafka.askFor(listConfigResources, { resourceTypes }, (answer) => ({
          ...answer,
          configResources: answer.configResources.filter((one) => one.resourceName === topic.name),
        }))
      await list(2)
      await list()
      await list(99)
      await list(-1, 2)
    },
  }),
  ...casesOf(unregisterBroker, {
    'that is not': async (kafka) => {
      await kafka.ask(unregisterBroker, { brokerId: 77 })
      await kafka.ask(unregisterBroker, { brokerId: -1 })
    },
  }),
  ...casesOf(addRaftVoter, {
    'of another cluster, or of nowhere': async (kafka) => {
      // So that its id, which a message tells, is known.
      await kafka.ask(metadata, { topics: [] })
      const voter = { timeoutMs: 1000, voterId: 77, voterDirectoryId: nowhere, listeners: [] }
      await kafka.ask(addRaftVoter, { ...voter, clusterId: 'another' })
      await kafka.ask(addRaftVoter, { ...voter, clusterId: null, voterId: -1 })
    },
  }),
  ...casesOf(removeRaftVoter, {
    'of another cluster': async (kafka) => {
      await kafka.ask(metadata, { topics: [] })
      await kafka.ask(removeRaftVoter, { clusterId: 'another', voterId: 77, voterDirectoryId: nowhere })
    },
  }),
]
