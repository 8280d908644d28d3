import { alterShareGroupOffsets } from '../../../../src/protocol/apis/alter-share-group-offsets.ts'
import { deleteShareGroupOffsets } from '../../../../src/protocol/apis/delete-share-group-offsets.ts'
import { describeShareGroupOffsets } from '../../../../src/protocol/apis/describe-share-group-offsets.ts'
import { shareAcknowledge } from '../../../../src/protocol/apis/share-acknowledge.ts'
import { shareFetch } from '../../../../src/protocol/apis/share-fetch.ts'
import { shareGroupDescribe } from '../../../../src/protocol/apis/share-group-describe.ts'
import { shareGroupHeartbeat } from '../../../../src/protocol/apis/share-group-heartbeat.ts'
import { casesOf } from '../differential-case.ts'

const memberId = 'Yh5Sk2YsQ5CSO2Z2bSPjyw'

export const shareGroupCases = [
  ...casesOf(shareGroupHeartbeat, {
    'a member comes and goes, and others are refused': async (kafka) => {
      const topic = await kafka.topic('topic', 2)
      const groupId = kafka.named('group')
      await kafka.coordinator(groupId)
      const beat = (memberEpoch: number, more: object = {}) =>
        kafka.ask(shareGroupHeartbeat, { groupId, memberId, memberEpoch, ...more })
      await beat(0)
      await beat(0, { subscribedTopicNames: [], groupId: '' })
      await beat(0, { subscribedTopicNames: [topic.name], memberId: '' })
      await beat(-2)
      await beat(5)
      await beat(0, { subscribedTopicNames: [topic.name] })
      await beat(9)
      await beat(-1)
      await beat(-1)
    },
  }),
  ...casesOf(shareGroupDescribe, {
    'groups that are not': async (kafka) => {
      await kafka.coordinator(kafka.named('none'))
      await kafka.ask(shareGroupDescribe, { groupIds: [kafka.named('none')] })
      await kafka.ask(shareGroupDescribe, { groupIds: [''] })
      await kafka.ask(shareGroupDescribe, { groupIds: [] })
    },
  }),
  ...casesOf(shareFetch, {
    'sessions that are not': async (kafka) => {
      const fetch = (more: object) =>
        kafka.ask(shareFetch, {
          groupId: kafka.named('group'),
          memberId,
          shareSessionEpoch: 0,
          maxWaitMs: 0,
          minBytes: 0,
          maxBytes: 1000,
          maxRecords: 10,
          batchSize: 10,
          topics: [],
          forgottenTopicsData: [],
          ...more,
        })
      await fetch({ shareSessionEpoch: 5 })
      await fetch({ shareSessionEpoch: -1 })
    },
  }),
  ...casesOf(shareAcknowledge, {
    'sessions that are not': async (kafka) => {
      const acknowledge = (shareSessionEpoch: number) =>
        kafka.ask(shareAcknowledge, {
          groupId: kafka.named('group'),
          memberId,
          shareSessionEpoch,
          topics: [],
        })
      for (const epoch of [0, 5, -1]) await acknowledge(epoch)
    },
  }),
  ...casesOf(describeShareGroupOffsets, {
    'groups that are not': async (kafka) => {
      await kafka.coordinator(kafka.named('none'))
      await kafka.ask(describeShareGroupOffsets, { groups: [{ groupId: kafka.named('none'), topics: null }] })
      await kafka.ask(describeShareGroupOffsets, { groups: [] })
    },
  }),
  ...casesOf(alterShareGroupOffsets, {
    'groups that are not': async (kafka) => {
      await kafka.coordinator(kafka.named('none'))
      await kafka.ask(alterShareGroupOffsets, { groupId: kafka.named('none'), topics: [] })
    },
  }),
  ...casesOf(deleteShareGroupOffsets, {
    'groups that are not': async (kafka) => {
      await kafka.coordinator(kafka.named('none'))
      await kafka.ask(deleteShareGroupOffsets, { groupId: kafka.named('none'), topics: [] })
    },
  }),
]
