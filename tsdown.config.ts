import { defineConfig, type UserConfig } from 'tsdown'

const common = {
  format: 'esm',
  target: 'node20.19',
  platform: 'node',
  sourcemap: false,
  outExtensions: () => ({ js: '.js', dts: '.d.ts' }),
} as const satisfies UserConfig

export default defineConfig([
  {
    ...common,
    entry: {
      index: 'src/index.ts',
      'protocol/index': 'src/protocol/index.ts',
      'protocol/registry': 'src/protocol/registry.ts',
      'testing/index': 'src/testing/index.ts',
    },
    dts: true,
    // What is documented is in the declarations; without it in the code there is a sixth less to load.
    outputOptions: { comments: { legal: true, annotation: true, jsdoc: false } },
    // zod is a dev dependency on purpose: what the options schemas use of it is inlined here. So is commander below.
    deps: { alwaysBundle: ['zod'] },
  },
  // The command by itself: with shared chunks the library would come in many small files, and its import would be slower.
  {
    ...common,
    entry: { cli: 'src/cli/main.ts' },
    dts: false,
    deps: { alwaysBundle: ['zod', 'commander'] },
    outputOptions: { chunkFileNames: 'cli/[name]-[hash].js' },
  },
])
