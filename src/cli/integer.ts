import { InvalidArgumentError } from 'commander'

/** For an option that takes a whole number in that range. */
export function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^-?\d+$/.test(text) && value >= min && value <= max) return value
    throw new InvalidArgumentError(`Allowed are whole numbers from ${min} to ${max}.`)
  }
}
