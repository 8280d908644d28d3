import { configOperations } from './alter-config.ts'
import type { ConfigChange } from './config-stores/config-store.ts'
import { Refusal } from './refusal.ts'

const levels = ['DEBUG', 'ERROR', 'FATAL', 'INFO', 'TRACE', 'WARN']
const rootLogger = 'root'

/** Checks what is to be done with the loggers of a broker (Java's `ConfigAdminManager.validateLogLevelConfigs`). */
export function checkLogLevels(loggers: ReadonlyMap<string, string>, changes: readonly ConfigChange[]): void {
  for (const { name, operation, value } of changes) {
    switch (operation) {
      case configOperations.set:
        mustExist(loggers, name)
        if (!levels.includes(value ?? '')) {
          throw new Refusal(
            'INVALID_CONFIG',
            `Cannot set the log level of ${name} to ${value} as it is not a supported log level. Valid log levels are ${levels.join(', ')}`,
          )
        }
        break
      case configOperations.delete:
        mustExist(loggers, name)
        if (name === rootLogger) {
          throw new Refusal('INVALID_REQUEST', 'Removing the log level of the root logger is not allowed')
        }
        break
      case configOperations.append:
      case configOperations.subtract: {
        const verb = operation === configOperations.append ? 'APPEND' : 'SUBTRACT'
        const told = `${verb} operation is not allowed for the BROKER_LOGGER resource`
        throw new Refusal('INVALID_REQUEST', told)
      }
      default:
        // Kafka trips over it, and says no more.
        throw new Refusal('UNKNOWN_SERVER_ERROR', null)
    }
  }
}

/** Without a level of its own a logger has that of the root. */
export function setLogLevels(loggers: Map<string, string>, changes: readonly ConfigChange[]): void {
  for (const { name, operation, value } of changes) {
    const level = operation === configOperations.set ? value : (loggers.get(rootLogger) ?? null)
    if (level !== null) loggers.set(name, level)
  }
}

function mustExist(loggers: ReadonlyMap<string, string>, name: string): void {
  if (!loggers.has(name)) throw new Refusal('INVALID_CONFIG', `Logger ${name} does not exist!`)
}
