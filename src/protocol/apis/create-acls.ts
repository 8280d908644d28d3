import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int8, int16, int32, string } from '../schema.ts'

/** Creates access rules (KIP-140). */
export const createAcls = api({
  key: 30,
  name: 'CreateAcls',
  versions: '0-3',
  flexible: '2+',
  route: 'any',
  request: {
    creations: array({
      /** 2: topic, 3: group, 4: cluster, 5: transactional id, 6: delegation token, 7: user. */
      resourceType: int8(),
      resourceName: string(),
      /** 3: literal, 4: prefix (KIP-290). */
      resourcePatternType: int8('1+', { default: 3 }),
      /** As `User:alice`; `User:*` is everybody. */
      principal: string(),
      /** An address; `*`: from everywhere. */
      host: string(),
      /**
       * 2: all, 3: read, 4: write, 5: create, 6: delete, 7: alter, 8: describe, 9: cluster action, 10:
       * describe configs, 11: alter configs, 12: idempotent write, 13: create tokens, 14: describe tokens,
       * 15: two-phase commit.
       */
      operation: int8(),
      /** 2: deny; 3: allow. */
      permissionType: int8(),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    /** In the order of the request. */
    results: array({
      errorCode: int16(),
      errorMessage: string('0+', { nullable: true }),
    }),
  },
})

export type CreateAclsRequest = RequestOf<typeof createAcls>
export type CreateAclsResponse = ResponseOf<typeof createAcls>
