// Bundles the console and writes it as C++: node build.mjs SOURCES NODE_MODULES STAGE MADE.cc
// The sources are copied to STAGE, where Node's packages are found beside them, so that nothing is written among them.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, extname, join, relative, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'

const [sources, modules, stage, made] = process.argv.slice(2).map((path) => resolve(path))
/** All that a browser loads, packed. */
const BYTES_MAX = 300_000
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml' }

function bundle() {
  rmSync(stage, { recursive: true, force: true })
  mkdirSync(stage, { recursive: true })
  for (const name of ['page', 'index.html', 'package.json', 'tsconfig.json', 'vite.config.ts']) {
    cpSync(join(sources, name), join(stage, name), { recursive: true })
  }
  symlinkSync(modules, join(stage, 'node_modules'))
  const run = (script, ...args) => {
    try {
      execFileSync(process.execPath, [join(modules, script), ...args], { cwd: stage, stdio: 'pipe' })
    } catch (failure) {
      process.stderr.write(`${failure.stdout}${failure.stderr}`)
      process.exit(1)
    }
  }
  run('typescript/bin/tsc', '--noEmit', '-p', '.')
  run('vite/bin/vite.js', 'build', '--logLevel', 'error')
  return join(stage, 'dist')
}

function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort()
}

/** A blob of the program's read-only data, by the assembler: compiled at once, however large it is. */
function blob(name, file) {
  return `asm(".pushsection .rodata\\n.balign 16\\n${name}:\\n.incbin \\"${file}\\"\\n${name}_end:\\n.byte 0\\n.popsection\\n");
extern "C" const char ${name}[];
extern "C" const char ${name}_end[];
`
}

function write(dist) {
  let blobs = ''
  const entries = []
  let total = 0
  for (const [i, file] of filesBelow(dist).entries()) {
    const bytes = readFileSync(file)
    const packed = gzipSync(bytes, { level: 9 })
    total += packed.length
    writeFileSync(`${file}.gz`, packed)
    const type = TYPES[extname(file)]
    if (!type) throw new Error(`${file}: no media type is known of such a file`)
    const path = `/${relative(dist, file)}`
    const etag = createHash('sha256').update(bytes).digest('hex').slice(0, 20)
    blobs += blob(`millrace_console_${i}`, file) + blob(`millrace_console_${i}_gz`, `${file}.gz`)
    const text = (name) => `{${name}, static_cast<size_t>(${name}_end - ${name})}`
    entries.push(`      {"${path === '/index.html' ? '/' : path}", "${type}", "\\"${etag}\\"", ${path.startsWith('/assets/')}, ${text(`millrace_console_${i}`)}, ${text(`millrace_console_${i}_gz`)}},`)
  }
  if (total > BYTES_MAX) {
    console.error(`the console is ${total} bytes packed, more than ${BYTES_MAX}: what a page needs to load comes out of that`)
    process.exit(1)
  }
  mkdirSync(dirname(made), { recursive: true })
  writeFileSync(made, `// Made by src/console/build.mjs; ${total} bytes packed.
#include <array>
#include <cstddef>

#include "console/bundle.h"

${blobs}
namespace millrace::console {

std::span<const BundledFile> BundledFiles() {
  static const std::array<BundledFile, ${entries.length}> files = {{
${entries.join('\n')}
  }};
  return files;
}

}  // namespace millrace::console
`)
}

write(bundle())
