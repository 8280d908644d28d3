import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, int8, int16, int32, string } from '../schema.ts'

/** Raises or lowers the finalized versions of features (KIP-584). */
export const updateFeatures = api({
  key: 57,
  name: 'UpdateFeatures',
  versions: '0-2',
  flexible: '0+',
  route: 'controller',
  request: {
    timeoutMs: int32('0+', { default: 60000 }),
    featureUpdates: array({
      feature: string(),
      /** Less than 1: the feature is no longer finalized. */
      maxVersionLevel: int16(),
      allowDowngrade: bool('0'),
      /** 1: upgrade; 2: safe downgrade; 3: downgrade that may lose metadata. */
      upgradeType: int8('1+', { default: 1 }),
    }),
    /** Check, and change nothing. */
    validateOnly: bool('1+'),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string('0+', { nullable: true }),
    /** From version 2 on all succeed or none, and the error is at the top. */
    results: array(
      {
        feature: string(),
        errorCode: int16(),
        errorMessage: string('0+', { nullable: true }),
      },
      '0-1',
      { ignorable: true },
    ),
  },
})

export type UpdateFeaturesRequest = RequestOf<typeof updateFeatures>
export type UpdateFeaturesResponse = ResponseOf<typeof updateFeatures>
