import { listGroups } from '../../../../src/protocol/apis/list-groups.ts'
import { offsetCommit } from '../../../../src/protocol/apis/offset-commit.ts'
import { offsetDelete } from '../../../../src/protocol/apis/offset-delete.ts'
import { offsetFetch } from '../../../../src/protocol/apis/offset-fetch.ts'
import type { Conversation, CreatedTopic } from '../conversation.ts'
import { allVersions, casesOf } from '../differential-case.ts'

const nowhere = '7Cf6nFYZTdq5vzVLlxGtBA'

interface Commit {
  partitionIndex?: number
  committedOffset?: bigint
  committedMetadata?: string | null
  committedLeaderEpoch?: number
}

async function groupAndTopic(kafka: Conversation): Promise<{ groupId: string; topic: CreatedTopic }> {
  const groupId = kafka.named('group')
  await kafka.coordinator(groupId)
  return { groupId, topic: await kafka.topic('topic', 2) }
}

const commitOf = (groupId: string, topic: CreatedTopic, ...partitions: Commit[]) => ({
  groupId,
  topics: [
    {
      name: topic.name,
      topicId: topic.id,
      partitions: partitions.map((one) => ({
        partitionIndex: 0,
        committedOffset: 0n,
        committedMetadata: '',
        ...one,
      })),
    },
  ],
})

/** One group, in the shape of each version. */
const fetchOf = (groupId: string, topics: readonly (CreatedTopic & { partitions: number[] })[] | null) => ({
  groupId,
  topics: topics?.map(({ name, partitions }) => ({ name, partitionIndexes: partitions })) ?? null,
  groups: [
    {
      groupId,
      topics:
        topics?.map(({ name, id, partitions }) => ({ name, topicId: id, partitionIndexes: partitions })) ??
        null,
    },
  ],
})

export const groupOffsetCases = [
  ...casesOf(
    offsetCommit,
    {
      'without members': async (kafka) => {
        const { groupId, topic } = await groupAndTopic(kafka)
        const commit = (...partitions: Commit[]) =>
          kafka.ask(offsetCommit, commitOf(groupId, topic, ...partitions))
        await commit({ committedOffset: 5n, committedMetadata: 'note', committedLeaderEpoch: 0 })
        await commit({ partitionIndex: 1, committedOffset: 7n, committedMetadata: null })
        await commit({ committedOffset: 4n }, { partitionIndex: 9 })
        await commit({ committedOffset: -1n })
        await commit({ committedOffset: -5n })
        await commit({ committedMetadata: 'x'.repeat(5000) })
        await commit({ partitionIndex: -1 })
        const all = fetchOf(groupId, [{ ...topic, partitions: [0, 1, 9] }])
        await kafka.ask(offsetFetch, all)
      },
      'topics that do not exist': async (kafka) => {
        const { groupId } = await groupAndTopic(kafka)
        const none = { name: kafka.named('none'), id: nowhere }
        await kafka.ask(offsetCommit, commitOf(groupId, none, { committedOffset: 5n }))
        await kafka.ask(offsetCommit, { groupId, topics: [] })
        await kafka.ask(offsetCommit, { groupId: '', topics: [] })
        await kafka.ask(offsetCommit, commitOf('', none, {}))
      },
      'members that do not exist': async (kafka) => {
        const { groupId, topic } = await groupAndTopic(kafka)
        const commit = (more: object) => kafka.ask(offsetCommit, { ...commitOf(groupId, topic, {}), ...more })
        await commit({ memberId: 'nobody', generationIdOrMemberEpoch: 1 })
        await commit({ memberId: 'nobody', generationIdOrMemberEpoch: -1 })
        await commit({ generationIdOrMemberEpoch: 3 })
        await commit({})
        await commit({ memberId: 'nobody', generationIdOrMemberEpoch: 1 })
        await commit({ groupInstanceId: 'nobody', generationIdOrMemberEpoch: -1 })
      },
    },
    allVersions(offsetCommit),
  ),
  ...casesOf(
    offsetFetch,
    {
      'what was committed': async (kafka) => {
        const { groupId, topic } = await groupAndTopic(kafka)
        await kafka.prepare(
          offsetCommit,
          commitOf(groupId, topic, {
            committedOffset: 5n,
            committedMetadata: 'note',
            committedLeaderEpoch: 0,
          }),
        )
        await kafka.ask(offsetFetch, fetchOf(groupId, [{ ...topic, partitions: [0] }]))
        await kafka.ask(offsetFetch, fetchOf(groupId, [{ ...topic, partitions: [0, 1, 8] }]))
        await kafka.ask(offsetFetch, fetchOf(groupId, [{ ...topic, partitions: [] }]))
        await kafka.ask(offsetFetch, fetchOf(groupId, []))
        if (kafka.version >= 2) await kafka.ask(offsetFetch, fetchOf(groupId, null))
        await kafka.ask(offsetFetch, {
          ...fetchOf(groupId, [{ ...topic, partitions: [0] }]),
          requireStable: true,
        })
      },
      'groups and topics that do not exist': async (kafka) => {
        const { groupId } = await groupAndTopic(kafka)
        const none = { name: kafka.named('none'), id: nowhere, partitions: [0] }
        await kafka.ask(offsetFetch, fetchOf(groupId, [none]))
        await kafka.ask(offsetFetch, fetchOf('', [none]))
        if (kafka.version >= 2) await kafka.ask(offsetFetch, fetchOf(kafka.named('empty'), null))
      },
    },
    allVersions(offsetFetch),
  ),
  ...casesOf(
    offsetFetch,
    {
      'several groups': async (kafka) => {
        const { groupId, topic } = await groupAndTopic(kafka)
        await kafka.prepare(offsetCommit, commitOf(groupId, topic, { committedOffset: 5n }))
        const groups = [groupId, kafka.named('none')].map((one) => ({ groupId: one, topics: null }))
        await kafka.ask(offsetFetch, { groups })
        await kafka.ask(offsetFetch, { groups: [] })
        const member = { groupId, topics: null, memberId: 'nobody', memberEpoch: 4 }
        await kafka.ask(offsetFetch, { groups: [member] })
        await kafka.ask(offsetFetch, { groups: [{ ...member, memberId: null }] })
        await kafka.ask(offsetFetch, { groups: [{ ...member, groupId: kafka.named('none') }] })
      },
    },
    [8, 9, 10],
  ),
  ...casesOf(offsetDelete, {
    'what is, what is not, and in no group': async (kafka) => {
      const { groupId, topic } = await groupAndTopic(kafka)
      const { name } = topic
      const partitions = [{ partitionIndex: 0 }, { partitionIndex: 9 }]
      await kafka.ask(offsetDelete, { groupId, topics: [{ name, partitions }] })
      await kafka.prepare(offsetCommit, commitOf(groupId, topic, { committedOffset: 5n }))
      await kafka.ask(offsetDelete, { groupId, topics: [{ name, partitions }] })
      await kafka.ask(offsetDelete, { groupId, topics: [{ name: kafka.named('none'), partitions }] })
      await kafka.ask(offsetDelete, { groupId, topics: [] })
      await kafka.ask(offsetDelete, { groupId: '', topics: [{ name, partitions }] })
      await kafka.ask(offsetFetch, fetchOf(groupId, null))
    },
  }),
  ...casesOf(listGroups, {
    'all, and by states and types': async (kafka) => {
      const { groupId, topic } = await groupAndTopic(kafka)
      await kafka.prepare(offsetCommit, commitOf(groupId, topic, { committedOffset: 5n }))
      const list = (statesFilter: string[], typesFilter: string[]) =>
        kafka.askFor(listGroups, { statesFilter, typesFilter }, (answer) => ({
          ...answer,
          groups: answer.groups.filter((one) => one.groupId === groupId),
        }))
      await list([], [])
      await list(['Empty'], [])
      await list(['eMPTY'], ['Classic'])
      await list(['Stable', 'Dead'], [])
      await list([], ['consumer'])
      await list(['NoSuchState'], [])
      await list([], ['no-such-type'])
    },
  }),
]
