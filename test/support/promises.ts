/** What `promise` fails with; that it does not fail is itself an error. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  let value: unknown
  try {
    value = await promise
  } catch (error) {
    return error
  }
  throw new Error(`it should have failed, and gave ${JSON.stringify(value)}`)
}

export interface Gate {
  readonly opened: Promise<void>
  open(): void
}

/** Something to wait at until the test opens it. */
export function gate(): Gate {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open: () => open() }
}
