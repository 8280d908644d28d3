import { removeRaftVoter } from '../../protocol/apis/remove-raft-voter.ts'
import { handler } from '../broker/api-handler.ts'
import { voterRefusal } from '../cluster/raft-voters.ts'

/** The quorum here is one of old, without directory ids: nobody can be taken out of it. */
export const removeRaftVoterHandler = handler(removeRaftVoter, (request, context) =>
  voterRefusal('Remove', request, context),
)
