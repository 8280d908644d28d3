import { describe, expect, it } from 'vitest'
import type { Cluster } from '../../src/cluster/cluster.ts'
import { TopicSubscription } from '../../src/consumer/topic-subscription.ts'

/** A cluster that has these topics; those that begin with __ are internal. */
function clusterWith(...names: string[]): Cluster {
  const topics = names.map((name) => ({ name, id: null, isInternal: name.startsWith('__'), partitions: [] }))
  return { metadata: { all: async () => topics, refresh: async () => {} } } as unknown as Cluster
}

describe('TopicSubscription', () => {
  it('is its names, each once, and what its patterns match, without internal topics', async () => {
    const subscription = new TopicSubscription(['orders', /^eu\./g, /offsets/, 'orders'])
    expect(subscription.topics()).toEqual(['orders'])
    expect(await subscription.refresh(clusterWith('eu.a', 'eu.b', 'us.a', '__consumer_offsets'))).toBe(true)
    expect(subscription.topics()).toEqual(['eu.a', 'eu.b', 'orders'])
  })

  it('tells whether the matches have changed since the last look', async () => {
    const subscription = new TopicSubscription([/^eu\./])
    expect(await subscription.refresh(clusterWith('eu.b', 'eu.a'))).toBe(true)
    expect(await subscription.refresh(clusterWith('eu.a', 'eu.b', 'us'))).toBe(false)
    expect(await subscription.refresh(clusterWith('eu.a'))).toBe(true)
    expect(subscription.topics()).toEqual(['eu.a'])
  })

  it('does not look at the cluster for names', async () => {
    const subscription = new TopicSubscription(['orders'])
    expect(await subscription.refresh(clusterWith('other'))).toBe(false)
    expect(subscription.topics()).toEqual(['orders'])
  })
})
