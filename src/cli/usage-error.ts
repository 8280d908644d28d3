/** Something that the one who called the command has to change. The message names what was wrong and what is allowed. */
export class UsageError extends Error {
  override get name(): string {
    return 'UsageError'
  }
}
