import { alterUserScramCredentials } from '../../protocol/apis/alter-user-scram-credentials.ts'
import type { StructOf } from '../../protocol/schema.ts'
import { handler } from '../broker/api-handler.ts'
import { type ErrorName, errors } from '../error-codes.ts'
import { nameOfCode } from '../security/acl-codes.ts'
import { credentialOf, type ScramMechanismName } from '../security/scram.ts'
import {
  leastIterations,
  mostIterations,
  type ScramUsers,
  scramMechanismCodes,
} from '../security/scram-users.ts'

type AlterRequest = StructOf<typeof alterUserScramCredentials.request.fields>
type Upsertion = AlterRequest['upsertions'][number]
type Deletion = AlterRequest['deletions'][number]
type Fault = readonly [ErrorName, string | null]

const alteredTwice: Fault = [
  'DUPLICATE_RESOURCE',
  'A user credential cannot be altered twice in the same request',
]

export const alterUserScramCredentialsHandler = handler(alterUserScramCredentials, (request, context) => {
  const { scramUsers } = context.cluster
  const { deletions, upsertions } = request
  const users = [...new Set([...deletions, ...upsertions].map(({ name }) => name))]
  if (!context.allows('ALTER', 'CLUSTER')) {
    const errorCode = errors.CLUSTER_AUTHORIZATION_FAILED
    return {
      results: users.map((user) => ({ user, errorCode, errorMessage: 'Request needs ALTER permission.' })),
    }
  }
  const faults = faultsOf(request, scramUsers)
  // A user of whom one thing is wrong is left as it is.
  for (const { name, mechanism } of deletions) {
    if (!faults.has(name)) scramUsers.delete(name, mechanismOf(mechanism)!)
  }
  for (const { name, mechanism, iterations, salt, saltedPassword } of upsertions) {
    if (faults.has(name)) continue
    const known = mechanismOf(mechanism)!
    // Copied, for they are views of the request.
    const credential = credentialOf(known, saltedPassword, salt.slice(), iterations)
    scramUsers.set(name, known, credential)
  }
  return {
    results: users.map((user) => {
      const fault = faults.get(user)
      if (fault === undefined) return { user, errorCode: errors.NONE, errorMessage: null }
      return { user, errorCode: errors[fault[0]], errorMessage: fault[1] }
    }),
  }
})

/** By user: the first thing that is wrong, in Kafka's words (Java's `ScramControlManager`). */
function faultsOf({ deletions, upsertions }: AlterRequest, known: ScramUsers): Map<string, Fault> {
  const faults = new Map<string, Fault>()
  const seen = new Set<string>()
  const check = <T extends Deletion | Upsertion>(one: T, faultOf: (one: T) => Fault | null) => {
    const { name } = one
    if (faults.has(name)) return
    // Also by another mechanism: whoever sets both needs two requests.
    const fault = seen.has(name) ? alteredTwice : faultOf(one)
    if (fault !== null) faults.set(name, fault)
    seen.add(name)
  }
  for (const one of deletions) check(one, (deletion) => faultOfDeletion(deletion, known))
  for (const one of upsertions) check(one, faultOfUpsertion)
  return faults
}

function faultOfDeletion({ name, mechanism }: Deletion, known: ScramUsers): Fault | null {
  const fault = faultOfUser(name, mechanism)
  if (fault !== null || known.has(name, mechanismOf(mechanism)!)) return fault
  return ['RESOURCE_NOT_FOUND', 'Attempt to delete a user credential that does not exist']
}

function faultOfUpsertion({ name, mechanism, iterations, saltedPassword }: Upsertion): Fault | null {
  const fault = faultOfUser(name, mechanism)
  if (fault !== null) return fault
  if (iterations < leastIterations) return ['UNACCEPTABLE_CREDENTIAL', 'Too few iterations']
  if (iterations > mostIterations) return ['UNACCEPTABLE_CREDENTIAL', 'Too many iterations']
  // Java makes no key of nothing.
  return saltedPassword.length === 0 ? ['UNKNOWN_SERVER_ERROR', null] : null
}

function faultOfUser(name: string, mechanism: number): Fault | null {
  if (name === '') return ['UNACCEPTABLE_CREDENTIAL', 'Username must not be empty']
  if (mechanismOf(mechanism) === undefined) return ['UNSUPPORTED_SASL_MECHANISM', 'Unknown SCRAM mechanism']
  return null
}

function mechanismOf(code: number): ScramMechanismName | undefined {
  return nameOfCode(scramMechanismCodes, code)
}
