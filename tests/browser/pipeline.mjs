// A pipeline of the release binary in a folder of its own, for as long as a test needs it.
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const ROOT = new URL('../../', import.meta.url).pathname
const BINARY = process.env.MILLRACE_BINARY ?? join(ROOT, 'build/release/millrace')

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })

/** Asks again until `look` says something true; that is returned. Fails with what it said last. */
export async function until(what, look, seconds = 30) {
  const end = Date.now() + seconds * 1000
  let last
  for (;;) {
    try {
      last = await look()
      if (last) return last
    } catch (failure) {
      last = failure
    }
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s; at last ${last?.message ?? JSON.stringify(last)}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

export class Pipeline {
  static async make(config, files = {}) {
    const made = new Pipeline()
    made.folder = mkdtempSync(join(tmpdir(), 'millrace-browser-'))
    made.port = await freePort()
    made.url = `http://127.0.0.1:${made.port}`
    for (const [name, text] of Object.entries(files)) made.write(name, text)
    await made.start(config)
    return made
  }

  write(name, text) {
    const path = join(this.folder, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }

  async start(config) {
    this.write('millrace.yaml', `data_dir: ./data\nmemory: 256MiB\n${config.replaceAll('LISTEN', `127.0.0.1:${this.port}`)}`)
    this.said = ''
    this.process = spawn(BINARY, ['run'], { cwd: this.folder, stdio: ['ignore', 'ignore', 'pipe'] })
    this.process.stderr.on('data', (text) => (this.said += text))
    this.ended = new Promise((resolve) => this.process.on('exit', resolve))
    await until('the pipeline is ready', async () => {
      if (this.process.exitCode !== null) return true
      return (await fetch(`${this.url}/health/ready`)).ok
    })
    if (this.process.exitCode !== null) throw new Error(`the pipeline ended: ${this.said}`)
  }

  async stop() {
    this.process.kill('SIGTERM')
    await this.ended
  }

  async drop() {
    if (this.process.exitCode === null) await this.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }

  async json(path, init) {
    const response = await fetch(this.url + path, init)
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return response.json()
  }

  post(path, body) {
    return this.json(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })
  }

  /** What a verb prints with --json. */
  verb(...words) {
    return JSON.parse(execFileSync(BINARY, [...words, '--json'], { cwd: this.folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
  }

  async sql(text) {
    return this.post('/api/v1/query', { sql: text })
  }
}
