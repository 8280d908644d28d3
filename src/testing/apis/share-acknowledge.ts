import { shareAcknowledge } from '../../protocol/apis/share-acknowledge.ts'
import type { StructInput } from '../../protocol/schema.ts'
import { handler } from '../broker/api-handler.ts'
import { brokerEndpoints } from '../cluster/broker-endpoints.ts'
import { type ErrorName, errors } from '../error-codes.ts'
import { shareProtocolEnabled } from '../groups/protocol-enabled.ts'
import { releaseRecords } from '../groups/share-access.ts'
import { type Acknowledged, acknowledgeRecords } from '../groups/share-acknowledge.ts'
import { closeEpoch, openEpoch, ShareSessions } from '../groups/share-sessions.ts'

type ShareAcknowledgeAnswer = StructInput<typeof shareAcknowledge.response.fields>

export const shareAcknowledgeHandler = handler(
  shareAcknowledge,
  (request, context): ShareAcknowledgeAnswer => {
    const { groupId, memberId, shareSessionEpoch, isRenewAck } = request
    if (!shareProtocolEnabled(context.cluster)) return failed('UNSUPPORTED_VERSION')
    if (groupId === null || groupId === '' || memberId === null || memberId === '') {
      return failed('INVALID_REQUEST')
    }
    if (!context.allows('READ', 'GROUP', groupId)) return failed('GROUP_AUTHORIZATION_FAILED')
    if (shareSessionEpoch === openEpoch) return failed('INVALID_SHARE_SESSION_EPOCH')
    const sessions = ShareSessions.of(context.broker)
    const session = sessions.next(groupId, memberId, shareSessionEpoch)
    if (typeof session === 'string') return failed(session)
    const acknowledged = acknowledgeRecords(request.topics, { groupId, memberId, isRenewAck }, context)
    if (shareSessionEpoch === closeEpoch) {
      releaseRecords(groupId, memberId, session.partitions.values(), context)
      sessions.close(groupId, memberId)
    }
    const leaders = new Set(acknowledged.flatMap(({ leader }) => (leader === null ? [] : [leader.leaderId])))
    return {
      errorCode: errors.NONE,
      acquisitionLockTimeoutMs: context.cluster.groupConfigs
        .get(groupId)
        .getNumber('share.record.lock.duration.ms'),
      responses: byTopic(acknowledged),
      nodeEndpoints: brokerEndpoints(leaders, context),
    }
  },
)

function byTopic(acknowledged: readonly Acknowledged[]): ShareAcknowledgeAnswer['responses'] {
  return [...new Set(acknowledged.map(({ topicId }) => topicId))].map((topicId) => ({
    topicId,
    partitions: acknowledged
      .filter((one) => one.topicId === topicId)
      .map(({ index, errorCode, errorMessage, leader }) => ({
        partitionIndex: index,
        errorCode,
        errorMessage,
        ...(leader === null ? {} : { currentLeader: leader }),
      })),
  }))
}

function failed(code: ErrorName): ShareAcknowledgeAnswer {
  return { errorCode: errors[code] }
}
