import type { ProxyFault } from '../fault-proxy.ts'

/** A real broker takes its time: all time-outs of a schedule are so many times as long. */
export const slower = 6

/** What a planned fault becomes on the way to a real broker, which cannot be made to answer with errors. */
export function onTheWay({ kind, ms }: { readonly kind: string; readonly ms: number }): ProxyFault {
  const [name, when] = kind.split(':') as [string, 'before' | 'after']
  switch (name) {
    case 'disconnect':
    case 'drop':
      return { kind: name, when }
    case 'delay':
      return { kind: 'delay', when, ms: ms * slower }
    case 'throttle':
      return { kind: 'delay', when: 'after', ms: ms * slower }
    default:
      return { kind: 'disconnect', when: name === 'appended' ? 'after' : 'before' }
  }
}
