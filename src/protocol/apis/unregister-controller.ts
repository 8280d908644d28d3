import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { int16, int32, string } from '../schema.ts'

/** Makes the cluster forget a controller that is gone for good. */
export const unregisterController = api({
  key: 94,
  name: 'UnregisterController',
  versions: '0',
  flexible: '0+',
  route: 'any',
  request: {
    controllerId: int32(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string('0+', { nullable: true }),
  },
})

export type UnregisterControllerRequest = RequestOf<typeof unregisterController>
export type UnregisterControllerResponse = ResponseOf<typeof unregisterController>
