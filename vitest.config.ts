import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Hands out one Kafka to all tests that want one, and says at the end how many were skipped for the want of it.
    globalSetup: ['test/support/real-kafka/global-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Two cores: more workers than that only make the brokers under test slower.
    maxWorkers: 2,
  },
})
