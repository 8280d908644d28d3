// Uses the installed package by `import`, with nothing but Node.
import assert from 'node:assert/strict'
import * as kafkawire from 'kafkawire'
import * as protocol from 'kafkawire/protocol'
import * as registry from 'kafkawire/protocol/registry'
import * as testing from 'kafkawire/testing'
import { smoke } from './smoke.cjs'

await smoke(kafkawire, protocol, registry, testing)
assert.equal(typeof kafkawire.Kafka, 'function')
