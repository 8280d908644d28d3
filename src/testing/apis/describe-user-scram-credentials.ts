import { describeUserScramCredentials } from '../../protocol/apis/describe-user-scram-credentials.ts'
import { handler } from '../broker/api-handler.ts'
import { errors } from '../error-codes.ts'
import { scramMechanismCodes } from '../security/scram-users.ts'

export const describeUserScramCredentialsHandler = handler(
  describeUserScramCredentials,
  ({ users }, context) => {
    const { scramUsers } = context.cluster
    if (!context.allows('DESCRIBE', 'CLUSTER')) {
      const refusal = { errorCode: errors.CLUSTER_AUTHORIZATION_FAILED, errorMessage: null }
      // Java leaves out who each of them is.
      return { ...refusal, results: (users ?? []).map(() => refusal) }
    }
    const asked = users === null || users.length === 0 ? [...scramUsers] : users.map(({ name }) => name)
    const results = [...new Set(asked)].map((user) => {
      if (asked.indexOf(user) !== asked.lastIndexOf(user)) {
        const errorMessage = `Cannot describe SCRAM credentials for the same user twice in a single request: ${user}`
        return { user, errorCode: errors.DUPLICATE_RESOURCE, errorMessage }
      }
      const iterations = scramUsers.iterationsOf(user)
      if (iterations === undefined) {
        const errorMessage = `Attempt to describe a user credential that does not exist: ${user}`
        return { user, errorCode: errors.RESOURCE_NOT_FOUND, errorMessage }
      }
      return {
        user,
        errorCode: errors.NONE,
        credentialInfos: [...iterations].map(([mechanism, count]) => ({
          mechanism: scramMechanismCodes[mechanism],
          iterations: count,
        })),
      }
    })
    return { errorCode: errors.NONE, results }
  },
)
