import type { FollowerConfigDefinition } from './config-definitions.ts'
import { invalidValue, parseList, parseNumber, showNumber, typeFault } from './config-value.ts'
import { topicConfigDefinitions } from './known-configs.ts'

/** What is wrong with a value of the right type; null: nothing. */
type Check = (definition: FollowerConfigDefinition, value: string) => string | null

const anything: Check = () => null

/**
 * Values of each config, in the order in which Kafka defines and so checks them: of several wrong values it is the first
 * here that is told (Java: LogConfig, 4.3).
 */
const checks: Readonly<Record<string, Check>> = {
  'segment.bytes': range(1_048_576),
  'segment.ms': range(1),
  'segment.jitter.ms': range(0),
  'segment.index.bytes': range(4),
  'flush.messages': range(1),
  'flush.ms': range(0),
  'retention.bytes': anything,
  'retention.ms': range(-1),
  'max.message.bytes': range(0),
  'index.interval.bytes': range(0),
  'delete.retention.ms': range(0),
  'min.compaction.lag.ms': range(0),
  'max.compaction.lag.ms': range(1),
  'file.delete.delay.ms': range(0),
  'min.cleanable.dirty.ratio': range(0, 1),
  'cleanup.policy': listOfWords('compact', 'delete'),
  'unclean.leader.election.enable': anything,
  'min.insync.replicas': range(1),
  'compression.type': word('uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'),
  'compression.gzip.level': gzipLevel,
  'compression.lz4.level': range(1, 17),
  'compression.zstd.level': range(-131_072, 22),
  preallocate: anything,
  'message.timestamp.type': word('CreateTime', 'LogAppendTime'),
  'message.timestamp.before.max.ms': range(0),
  'message.timestamp.after.max.ms': range(0),
  'leader.replication.throttled.replicas': throttledReplicas,
  'follower.replication.throttled.replicas': throttledReplicas,
  'remote.storage.enable': anything,
  'local.retention.ms': range(-2),
  'local.retention.bytes': range(-2),
  'remote.log.copy.disable': anything,
  'remote.log.delete.on.disable': anything,
  'internal.segment.bytes': anything,
}

/**
 * What a broker answers, as INVALID_CONFIG, to a topic with that config; null: it is fine. The texts are those of Kafka
 * 4.3 without tiered storage.
 */
export function validateTopicConfig(name: string, value: string | null): string | null {
  return validateTopicConfigs([[name, value]])
}

/**
 * The same for all the configs that a topic sets: what is told of several faults, and those that do not go together. Of
 * several unknown names Kafka tells any (the first in Java's hash table), this the first.
 *
 * @param inForce gives the value of a config that is not among them; by default Kafka's default.
 */
export function validateTopicConfigs(
  configs: Iterable<readonly [name: string, value: string | null]>,
  inForce: (name: string) => string | null = defaultOf,
): string | null {
  const values = new Map<string, string>()
  const nulls: string[] = []
  for (const [name, value] of configs) {
    if (value === null) nulls.push(name)
    else values.set(name, value)
  }
  if (nulls.length > 0) return `Null value not supported for topic configs: ${nulls.join(',')}`
  for (const name of values.keys()) {
    if (!topicConfigDefinitions().has(name)) return `Unknown topic config name: ${name}`
  }
  return valueFault(values) ?? compactionLagFault(values, inForce) ?? remoteStorageFault(values)
}

function defaultOf(name: string): string | null {
  return topicConfigDefinitions().get(name)?.defaultValue ?? null
}

function valueFault(values: ReadonlyMap<string, string>): string | null {
  for (const [name, check] of Object.entries(checks)) {
    const value = values.get(name)
    const definition = topicConfigDefinitions().get(name)
    if (value === undefined || definition === undefined) continue
    const fault = typeFault(definition, value) ?? check(definition, value)
    if (fault !== null) return fault
  }
  return null
}

function compactionLagFault(
  values: ReadonlyMap<string, string>,
  inForce: (name: string) => string | null,
): string | null {
  const min = values.get('min.compaction.lag.ms') ?? inForce('min.compaction.lag.ms')
  const max = values.get('max.compaction.lag.ms') ?? inForce('max.compaction.lag.ms')
  if (min === null || max === null || parseNumber(min) <= parseNumber(max)) return null
  const [shownMin, shownMax] = [showNumber('LONG', min), showNumber('LONG', max)]
  return `conflict topic config setting min.compaction.lag.ms (${shownMin}) > max.compaction.lag.ms (${shownMax})`
}

function remoteStorageFault(values: ReadonlyMap<string, string>): string | null {
  if (values.get('remote.storage.enable')?.trim().toLowerCase() !== 'true') return null
  return 'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.'
}

function range(min: number, max = Number.POSITIVE_INFINITY): Check {
  return ({ name, type }, value) => {
    const number = parseNumber(value)
    const reason =
      number < min
        ? `Value must be at least ${min}`
        : number > max
          ? `Value must be no more than ${max}`
          : null
    return reason === null ? null : invalidValue(name, showNumber(type, value), reason)
  }
}

function gzipLevel({ name, type }: FollowerConfigDefinition, value: string): string | null {
  const level = parseNumber(value)
  if (level === -1 || (level >= 1 && level <= 9)) return null
  return invalidValue(name, showNumber(type, value), 'Value must be between 1 and 9 or equal to -1')
}

function word(...allowed: readonly string[]): Check {
  return ({ name }, value) => {
    const text = value.trim()
    if (allowed.includes(text)) return null
    return invalidValue(name, text, `String must be one of: ${allowed.join(', ')}`)
  }
}

/** An empty list is fine: neither deleted nor compacted. */
function listOfWords(...allowed: readonly string[]): Check {
  const isAllowed = word(...allowed)
  return (definition, value) => {
    for (const item of parseList(value)) {
      if (item === '') return `Configuration '${definition.name}' values must not be empty.`
      const fault = isAllowed(definition, item)
      if (fault !== null) return fault
    }
    return null
  }
}

function throttledReplicas({ name }: FollowerConfigDefinition, value: string): string | null {
  const items = parseList(value)
  if (items.join('') === '*' || items.every((item) => /^(\d+:\d+)?$/.test(item))) return null
  const format = '[partitionId]:[brokerId],[partitionId]:[brokerId],...'
  const reason = `${name} must be the literal '*' or a list of replicas in the following format: ${format}`
  return invalidValue(name, `[${items.join(', ')}]`, reason)
}
