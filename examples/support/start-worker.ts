import { Worker } from 'node:worker_threads'

/** A thread that runs a module in TypeScript, which Node 20 does not load there by itself; compiled, `new Worker(file)` is it. */
export function startWorker(module: URL, workerData: unknown): Worker {
  const tsx = import.meta.resolve('tsx/esm/api')
  const code = `import('${tsx}').then(({ register }) => (register(), import('${module.href}')))`
  return new Worker(code, { eval: true, workerData })
}
