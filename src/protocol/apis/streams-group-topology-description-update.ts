import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int8, int16, int32, string, struct } from '../schema.ts'

/** A member of a Kafka Streams group hands in its topology in words, when a heartbeat asked for it. */
export const streamsGroupTopologyDescriptionUpdate = api({
  key: 93,
  name: 'StreamsGroupTopologyDescriptionUpdate',
  versions: '0',
  flexible: '0+',
  route: 'groupCoordinator',
  request: {
    groupId: string(),
    memberId: string(),
    topologyEpoch: int32(),
    topologyDescription: struct({
      subtopologies: array({
        subtopologyId: string(),
        nodes: array({
          name: string(),
          nodeType: int8(),
          sourceTopics: array(string()),
          sinkTopic: string('0+', { nullable: true, default: null }),
          stores: array(string()),
          successors: array(string()),
        }),
      }),
      globalStores: array({
        source: struct({
          name: string(),
          nodeType: int8(),
          sourceTopics: array(string()),
          sinkTopic: string('0+', { nullable: true, default: null }),
          stores: array(string()),
          successors: array(string()),
        }),
        processor: struct({
          name: string(),
          nodeType: int8(),
          sourceTopics: array(string()),
          sinkTopic: string('0+', { nullable: true, default: null }),
          stores: array(string()),
          successors: array(string()),
        }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string('0+', { nullable: true, default: null }),
  },
})

export type StreamsGroupTopologyDescriptionUpdateRequest = RequestOf<
  typeof streamsGroupTopologyDescriptionUpdate
>
export type StreamsGroupTopologyDescriptionUpdateResponse = ResponseOf<
  typeof streamsGroupTopologyDescriptionUpdate
>
