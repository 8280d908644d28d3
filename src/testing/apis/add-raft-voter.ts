import { addRaftVoter } from '../../protocol/apis/add-raft-voter.ts'
import { handler } from '../broker/api-handler.ts'
import { voterRefusal } from '../cluster/raft-voters.ts'

/** The quorum here is one of old, without directory ids: nobody can be added to it. */
export const addRaftVoterHandler = handler(addRaftVoter, (request, context) =>
  voterRefusal('Add', request, context),
)
