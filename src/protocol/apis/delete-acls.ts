import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int8, int16, int32, string } from '../schema.ts'

/** Deletes the access rules that match filters (KIP-140). */
export const deleteAcls = api({
  key: 31,
  name: 'DeleteAcls',
  versions: '0-3',
  flexible: '2+',
  route: 'any',
  request: {
    filters: array({
      /** 1: any, 2: topic, 3: group, 4: cluster, 5: transactional id, 6: delegation token, 7: user. */
      resourceTypeFilter: int8(),
      /** Null: any. */
      resourceNameFilter: string('0+', { nullable: true }),
      /** 1: any; 2: all that apply to the name; 3: literal; 4: prefix (KIP-290). */
      patternTypeFilter: int8('1+', { default: 3 }),
      /** Null: any. */
      principalFilter: string('0+', { nullable: true }),
      /** Null: any. */
      hostFilter: string('0+', { nullable: true }),
      /**
       * 1: any, 2: all, 3: read, 4: write, 5: create, 6: delete, 7: alter, 8: describe, 9: cluster action,
       * 10: describe configs, 11: alter configs, 12: idempotent write, 13: create tokens, 14: describe
       * tokens, 15: two-phase commit.
       */
      operation: int8(),
      /** 1: any; 2: deny; 3: allow. */
      permissionType: int8(),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    /** In the order of the request. */
    filterResults: array({
      errorCode: int16(),
      errorMessage: string('0+', { nullable: true }),
      matchingAcls: array({
        errorCode: int16(),
        errorMessage: string('0+', { nullable: true }),
        resourceType: int8(),
        resourceName: string(),
        /** 3: literal, 4: prefix (KIP-290). */
        patternType: int8('1+', { default: 3 }),
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    }),
  },
})

export type DeleteAclsRequest = RequestOf<typeof deleteAcls>
export type DeleteAclsResponse = ResponseOf<typeof deleteAcls>
