/** What the command's exit codes mean; scripts rely on them. */
export const exitCodes = {
  ok: 0,
  /** The bytes do not decode, the broker answered with an error, a port is in use, or `--strict` found something. */
  failed: 1,
  /** Wrong arguments, or a file that cannot be read or written. */
  usage: 2,
  /** The broker cannot be reached, hung up, or took too long. */
  unreachable: 3,
  /** A bug of the command itself (`EX_SOFTWARE` of sysexits.h). */
  bug: 70,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]
