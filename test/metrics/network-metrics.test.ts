import { expect, test } from 'vitest'
import { NetworkMetrics } from '../../src/metrics/network-metrics.ts'

test('of many addresses those are kept that somebody has connected to last', () => {
  const network = new NetworkMetrics({ windowMs: 1_000, count: 2 })
  const own = network.node('own:9092')
  for (let i = 0; i < 2_000; i++) {
    network.node(`pod-${i}:9092`)
    expect(network.node('own:9092')).toBe(own)
  }
  expect(network.nodes.size).toBe(500)
  expect(network.nodes.has('pod-0:9092')).toBe(false)
  expect(network.nodes.has('pod-1999:9092')).toBe(true)
})
