import type { DifferentialCase } from '../differential-case.ts'
import { classicGroupCases } from './classic-group-cases.ts'
import { clusterCases } from './cluster-cases.ts'
import { configCases } from './config-cases.ts'
import { consumerGroupCases } from './consumer-group-cases.ts'
import { fetchCases } from './fetch-cases.ts'
import { groupOffsetCases } from './group-offset-cases.ts'
import { operationCases } from './operation-cases.ts'
import { produceCases } from './produce-cases.ts'
import { securityCases } from './security-cases.ts'
import { shareGroupCases } from './share-group-cases.ts'
import { topicAdminCases } from './topic-admin-cases.ts'
import { transactionCases } from './transaction-cases.ts'

export const cases: readonly DifferentialCase[] = [
  ...clusterCases,
  ...produceCases,
  ...fetchCases,
  ...classicGroupCases,
  ...consumerGroupCases,
  ...groupOffsetCases,
  ...transactionCases,
  ...shareGroupCases,
  ...topicAdminCases,
  ...operationCases,
  ...configCases,
  ...securityCases,
]
