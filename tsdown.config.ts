import { defineConfig } from 'tsdown'

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    'protocol/index': 'src/protocol/index.ts',
    'protocol/registry': 'src/protocol/registry.ts',
  },
  format: 'esm',
  target: 'node20.19',
  platform: 'node',
  dts: true,
  sourcemap: false,
  // zod is a dev dependency on purpose: what the options schemas use of it is inlined here.
  deps: { alwaysBundle: ['zod'] },
  outExtensions: () => ({ js: '.js', dts: '.d.ts' }),
})
