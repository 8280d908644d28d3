import { describe, expect, it } from 'vitest'
import { compileTopicRegex } from '../../../src/testing/groups/topic-regex.ts'

describe('a topic regex', () => {
  it.each([
    ['orders', 'orders', true],
    ['order', 'orders', false],
    ['order.*|sales', 'sales', true],
    ['order.*|sales', 'sales-eu', false],
    ['(?i)ORDERS', 'orders', true],
    ['(?P<kind>a)-[[:digit:]]+', 'a-12', true],
    ['[^[:alpha:]]', '7', true],
    ['\\Aorders\\z', 'orders', true],
    ['[]a]', 'a', true],
    ['a\\.b', 'a.b', true],
    ['a\\.b', 'a-b', false],
    ['\\(?a', 'a', true],
  ])('%s matches %s as a whole: %s', (regex, topic, matches) => {
    expect(compileTopicRegex(regex).test(topic)).toBe(matches)
  })

  it.each(['(a', 'a)', '[a', 'a{2,1}', '(?<=a)b', '(a)\\1', '+a', '(*a)', 'a\\'])(
    'does not take %s',
    (regex) => {
      expect(() => compileTopicRegex(regex)).toThrow('is not a valid regular expression')
    },
  )
})
