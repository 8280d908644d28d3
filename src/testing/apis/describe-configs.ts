import { describeConfigs } from '../../protocol/apis/describe-configs.ts'
import type { StructInput, StructOf } from '../../protocol/schema.ts'
import { handler } from '../broker/api-handler.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { resourceTypes } from '../cluster/config-resources.ts'
import { type DescribedEntry, describeResource } from '../cluster/describe-resource.ts'
import { attempt, defaultMessage, refused } from '../cluster/refusal.ts'
import { configSources } from '../configs/config-definitions.ts'
import { type ErrorName, errors } from '../error-codes.ts'

type Request = StructOf<typeof describeConfigs.request.fields>
type ResourceRequest = Request['resources'][number]
type DescribeConfigsAnswer = StructInput<typeof describeConfigs.response.fields>
type ResourceAnswer = NonNullable<DescribeConfigsAnswer['results']>[number]
type ConfigAnswer = NonNullable<ResourceAnswer['configs']>[number]

const knownTypes = new Set<number>(Object.values(resourceTypes))

export const describeConfigsHandler = handler(describeConfigs, (request, context) => {
  const { resources } = request
  const named = ({ resourceType, resourceName }: ResourceRequest) => ({ resourceType, resourceName })
  // One resource of a type that does not exist spoils the whole request, as in Kafka.
  if (!resources.every(({ resourceType }) => knownTypes.has(resourceType))) {
    return { results: resources.map((one) => ({ ...named(one), ...refused('INVALID_REQUEST') })) }
  }
  const allowed: ResourceAnswer[] = []
  const refusals: ResourceAnswer[] = []
  for (const resource of resources) {
    const error = authorizationError(resource, context)
    if (error === null) allowed.push({ ...named(resource), ...describe(resource, request, context) })
    else {
      refusals.push({ ...named(resource), errorCode: errors[error], errorMessage: defaultMessage(error) })
    }
  }
  return { results: [...allowed, ...refusals] }
})

function authorizationError(
  { resourceType, resourceName }: ResourceRequest,
  context: RequestContext,
): ErrorName | null {
  const operation = 'DESCRIBE_CONFIGS'
  if (resourceType === resourceTypes.topic) {
    return context.allows(operation, 'TOPIC', resourceName) ? null : 'TOPIC_AUTHORIZATION_FAILED'
  }
  if (resourceType === resourceTypes.group) {
    return context.allows(operation, 'GROUP', resourceName) ? null : 'GROUP_AUTHORIZATION_FAILED'
  }
  return context.allows(operation, 'CLUSTER') ? null : 'CLUSTER_AUTHORIZATION_FAILED'
}

function describe(resource: ResourceRequest, request: Request, context: RequestContext): ResourceAnswer {
  const { resourceType, resourceName, configurationKeys } = resource
  let found: readonly DescribedEntry[] = []
  const { errorCode, errorMessage } = attempt(() => {
    found = describeResource(resourceType, resourceName, context)
  })
  // None at all means all, as Kafka reads it.
  const all = configurationKeys === null || configurationKeys.length === 0
  const wanted = found.filter(({ name }) => all || configurationKeys.includes(name))
  const configs = wanted.map((one) => answer(one, request, context.version))
  // What went well is told with an empty message; so is, as in Kafka, a topic that is not there.
  return { errorCode, errorMessage: errorMessage ?? '', configs }
}

function answer(entry: DescribedEntry, request: Request, version: number): ConfigAnswer {
  const { name, value, readOnly, source, sensitive, type, synonyms } = entry
  return {
    name,
    value,
    readOnly,
    isSensitive: sensitive,
    configSource: source,
    configType: type,
    documentation: type === 0 ? '' : request.includeDocumentation ? `What Kafka documents as ${name}.` : null,
    synonyms: request.includeSynonyms ? synonyms : [],
    // What version 0 tells in the place of the source.
    ...(version === 0 ? { isDefault: source === configSources.default } : {}),
  }
}
