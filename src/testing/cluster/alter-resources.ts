import { repeated } from '../broker/repeated.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { brokerConfigDefinitions } from '../configs/known-configs.ts'
import { alterConfig, type ConfigAlteration, configOperations, configStore } from './alter-config.ts'
import { resourceTypes } from './config-resources.ts'
import { checkLogLevels, setLogLevels } from './log-levels.ts'
import { attempt, type Outcome, Refusal, refused } from './refusal.ts'

interface ResourceOutcome extends Outcome {
  readonly resourceType: number
  readonly resourceName: string
}

/** What a broker does of AlterConfigs and IncrementalAlterConfigs (Java's `ConfigAdminManager`). */
export function alterResources(all: readonly ConfigAlteration[], context: RequestContext): ResourceOutcome[] {
  const twice = repeated(all.map(keyOf))
  return all.map((alteration) => ({
    resourceType: alteration.type,
    resourceName: alteration.name,
    ...(twice.has(keyOf(alteration))
      ? refused('INVALID_REQUEST', 'Each resource must appear at most once.')
      : attempt(() => alterResource(alteration, context))),
  }))
}

const keyOf = ({ type, name }: ConfigAlteration) => `${type} ${name}`

function alterResource(alteration: ConfigAlteration, context: RequestContext): void {
  const { type, name, changes } = alteration
  if (repeated(changes.map((change) => change.name)).size > 0) {
    throw new Refusal('INVALID_REQUEST', 'Error due to duplicate config keys')
  }
  const nulls = changes.filter(
    ({ operation, value }) => value === null && operation !== configOperations.delete,
  )
  if (nulls.length > 0) {
    const names = nulls.map((change) => change.name).join(', ')
    throw new Refusal('INVALID_REQUEST', `Null value not supported for : ${names}`)
  }
  if (type === resourceTypes.brokerLogger && !alteration.replacesAll) return alterLoggers(alteration, context)
  if (type === resourceTypes.broker) checkBroker(alteration, context)
  const store = configStore(context.cluster, type, name)
  if (store === null) throw new Refusal('INVALID_REQUEST', `Unknown resource type ${type}`)
  authorize(type, name, context)
  alterConfig(store, alteration)
}

function authorize(type: number, name: string, context: RequestContext): void {
  if (type === resourceTypes.topic) {
    if (!context.allows('ALTER_CONFIGS', 'TOPIC', name)) throw new Refusal('TOPIC_AUTHORIZATION_FAILED')
  } else if (type === resourceTypes.group) {
    if (!context.allows('ALTER_CONFIGS', 'GROUP', name)) throw new Refusal('GROUP_AUTHORIZATION_FAILED')
  } else if (!context.allows('ALTER_CONFIGS', 'CLUSTER')) {
    throw new Refusal('CLUSTER_AUTHORIZATION_FAILED')
  }
}

function alterLoggers({ name, changes, validateOnly }: ConfigAlteration, context: RequestContext): void {
  authorize(resourceTypes.brokerLogger, name, context)
  const { id } = context.broker
  if (idOf(name) !== id) {
    throw new Refusal('INVALID_REQUEST', `Unexpected node id. Expected ${id}, but received ${name}`)
  }
  const loggers = context.cluster.configs.loggers(id)
  checkLogLevels(loggers, changes)
  if (!validateOnly) setLogLevels(loggers, changes)
}

/** A broker changes its own configs, and those of all. */
function checkBroker({ name, changes }: ConfigAlteration, { broker }: RequestContext): void {
  if (name !== '' && idOf(name) !== broker.id) {
    throw new Refusal('INVALID_REQUEST', `Unexpected broker id, expected ${broker.id}, but received ${name}`)
  }
  for (const { name: config, operation } of changes) {
    const verb = operationVerbs[operation]
    if (verb === undefined) throw new Refusal('INVALID_REQUEST', `Unknown operations type ${operation}`)
    if (verb !== null && brokerConfigDefinitions().get(config)?.type !== 'LIST') {
      throw new Refusal('INVALID_CONFIG', `Config value ${verb} is not allowed for config key: ${config}`)
    }
  }
}

/** Null: for all types of configs. */
const operationVerbs: readonly (string | null)[] = [null, null, 'append', 'subtract']

function idOf(name: string): number {
  if (/^[+-]?\d+$/.test(name)) return Number(name)
  throw new Refusal('INVALID_REQUEST', `Node id must be an integer, but it is: ${name}`)
}
