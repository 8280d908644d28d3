import fc from 'fast-check'
import { expect, it } from 'vitest'
import { InFlight, type PendingRequest } from '../../src/network/in-flight.ts'

function pending(correlationId: number, deadlineAt = 0): PendingRequest {
  return { correlationId, api: 'Fetch', deadlineAt, sentAt: 0, onResponse: () => {}, onError: () => {} }
}

it('is a queue, however it grows and wraps', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 300 }), (steps) => {
      const queue = new InFlight()
      const model: PendingRequest[] = []
      steps.forEach((isPush, i) => {
        if (isPush) {
          const request = pending(i)
          queue.push(request)
          model.push(request)
        } else {
          expect(queue.shift()).toBe(model.shift())
        }
        expect(queue.size).toBe(model.length)
        expect(queue.first).toBe(model[0])
      })
    }),
  )
})

it('finds the one whose time is over first', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(), { minLength: 1, maxLength: 50 }), fc.nat(20), (deadlines, shifts) => {
      const queue = new InFlight()
      // Moves the head, so that the ring wraps.
      for (let i = 0; i < shifts; i++) {
        queue.push(pending(i))
        queue.shift()
      }
      for (const [i, at] of deadlines.entries()) queue.push(pending(i, at))
      expect(queue.earliest()?.deadlineAt).toBe(Math.min(...deadlines))
    }),
  )
})

it('has no earliest when it is empty', () => {
  expect(new InFlight().earliest()).toBeUndefined()
})
