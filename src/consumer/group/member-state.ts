/**
 * What a member of a classic group is about.
 * - `unjoined`: in no generation. Nothing is owned.
 * - `joining`: JoinGroup is due or on its way; the coordinator waits for all members.
 * - `syncing`: in a generation, without an assignment yet.
 * - `stable`: in a generation with an assignment, kept up by heartbeats. Also while partitions are being revoked for
 *   the next one: commits still count.
 * - `left`: over, by `leave()` or an error that nothing mends.
 */
export type MemberState = 'unjoined' | 'joining' | 'syncing' | 'stable' | 'left'

const next: Readonly<Record<MemberState, readonly MemberState[]>> = {
  unjoined: ['joining', 'left'],
  joining: ['syncing', 'unjoined', 'left'],
  syncing: ['stable', 'joining', 'unjoined', 'left'],
  stable: ['joining', 'unjoined', 'left'],
  left: [],
}

/** The only way to change state. A step outside of the table is a bug of ours, so it throws. */
export function step(from: MemberState, to: MemberState): MemberState {
  if (!next[from].includes(to)) throw new Error(`a group member cannot go from ${from} to ${to}`)
  return to
}
