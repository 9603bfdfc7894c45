import { defineConfig } from 'vite'

export default defineConfig({
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  build: {
    target: 'es2022',
    // light-dark() is taken as it stands.
    cssTarget: 'chrome123',
    // The policy of the page takes no data: in its place.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
  },
  // `npx vite` beside a server: what is no file of the page goes there.
  server: { proxy: Object.fromEntries(['/api', '/health', '/subjects', '/schemas', '/config', '/compatibility', '/connectors', '/connector-plugins'].map((path) => [path, 'http://127.0.0.1:8080'])) },
})
