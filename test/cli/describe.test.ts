import { describe, expect, it } from 'vitest'
import { apis, messageNames } from '../../src/protocol/registry.ts'
import { protocol } from './run-cli.ts'

describe('describe', () => {
  it('prints the fields of one version: type, null, default, tag', async () => {
    const { code, out, err } = await protocol('describe', 'fetch', 'v17')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const [head, request = '', response] = out.split('\n\n')
    expect(head!.split('\n')).toEqual([
      'Fetch: API key 1',
      '  versions     0-18',
      '  flexible     12+',
      '  answered by  the leader of the partition',
    ])
    expect(request.split('\n')).toEqual([
      'FetchRequest v17 =>',
      '  maxWaitMs => INT32',
      '  minBytes => INT32',
      '  maxBytes => INT32, default 2147483647',
      '  isolationLevel => INT8',
      '  sessionId => INT32',
      '  sessionEpoch => INT32, default -1',
      '  topics => COMPACT_ARRAY',
      '    topicId => UUID',
      '    partitions => COMPACT_ARRAY',
      '      partition => INT32',
      '      currentLeaderEpoch => INT32, default -1',
      '      fetchOffset => INT64',
      '      lastFetchedEpoch => INT32, default -1',
      '      logStartOffset => INT64, default -1',
      '      partitionMaxBytes => INT32',
      '      _tagged_fields',
      '        tag 0: replicaDirectoryId => UUID',
      '    _tagged_fields',
      '  forgottenTopicsData => COMPACT_ARRAY',
      '    topicId => UUID',
      '    partitions => COMPACT_ARRAY OF INT32',
      '    _tagged_fields',
      '  rackId => COMPACT_STRING',
      '  _tagged_fields',
      '    tag 0: clusterId => COMPACT_STRING, nullable, default null',
      '    tag 1: replicaState => STRUCT',
      '      replicaId => INT32, default -1',
      '      replicaEpoch => INT64, default -1',
      '      _tagged_fields',
    ])
    expect(response).toContain('records => COMPACT_RECORDS, nullable')
  })

  it('puts versions with the same fields together', async () => {
    const { out } = await protocol('describe', 'HeartbeatRequest')
    expect(out.match(/^HeartbeatRequest v\S+ =>$/gm)).toEqual([
      'HeartbeatRequest v0-2 =>',
      'HeartbeatRequest v3 =>',
      'HeartbeatRequest v4 =>',
    ])
    expect(out).not.toContain('HeartbeatResponse')
  })

  it('says which version is in the making', async () => {
    const { out } = await protocol('describe', '22', '6')
    expect(out).toContain('InitProducerId: API key 22\n  versions     0-6, of which 6 is in the making\n')
  })

  it('knows embedded data and headers', async () => {
    expect((await protocol('describe', 'EndTxnMarker')).out).toBe(
      'EndTxnMarker: data\n  versions  0\n  flexible  none\n\nEndTxnMarker v0 =>\n  coordinatorEpoch => INT32\n',
    )
    // The client id keeps its old encoding in the flexible version.
    expect((await protocol('describe', 'RequestHeader', 'v2')).out).toContain(
      '  clientId => STRING, nullable',
    )
  })

  it('has a grammar for every message, and a message without fields says so', async () => {
    for (const name of messageNames()) {
      const { code, out } = await protocol('describe', name)
      expect({ name, code }).toEqual({ name, code: 0 })
      expect(out).toMatch(new RegExp(`^${name} v\\d.* =>`, 'm'))
    }
    expect((await protocol('describe', 'ListGroupsRequest', 'v0')).out).toContain(
      'ListGroupsRequest v0 => nothing',
    )
  })

  it('lists all that there is when nothing is named', async () => {
    const { code, out } = await protocol('describe')
    expect(code).toBe(0)
    const names = out.split('\n').map((line) => /^\d* +(\w+)/.exec(line)?.[1])
    for (const { name } of apis) expect(names).toContain(name)
    expect(names).toContain('ConsumerProtocolSubscription')
    expect(names).not.toContain('FetchRequest')
  })
})
