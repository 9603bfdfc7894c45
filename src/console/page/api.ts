import { Store } from './store'

/** What the server says no with: its own words, which go to the person as they are. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
  }
}

export type Role = 'read' | 'ingest' | 'operate' | 'query'
export interface Session {
  tokens: boolean
  roles: Role[]
  /** Which parts of the API this server has. */
  parts: { schemas: boolean; connectors: boolean }
}

const TOKEN = 'millrace.token'
/** Null until the server has been asked. */
export const session = new Store<Session | null>(null)

export const may = (role: Role) => session.value?.roles.includes(role) ?? false

/** In this tab's session and nowhere else: it is gone with the tab. */
export function showToken(token: string | null) {
  if (token === null) sessionStorage.removeItem(TOKEN)
  else sessionStorage.setItem(TOKEN, token)
}

function withToken(init: RequestInit): RequestInit {
  const headers = new Headers(init.headers)
  const token = sessionStorage.getItem(TOKEN)
  if (token) headers.set('Authorization', `Bearer ${token}`)
  return { ...init, headers, credentials: 'omit', redirect: 'error' }
}

async function wordsOf(response: Response): Promise<string> {
  const text = await response.text()
  try {
    const message: unknown = JSON.parse(text).message
    if (typeof message === 'string') return message
  } catch {
    // Not JSON: as it came.
  }
  return text.slice(0, 500) || `the server answered ${response.status}`
}

/** Throws ApiError for every answer that is no success. */
export async function send(path: string, init: RequestInit = {}): Promise<Response> {
  let response: Response
  try {
    response = await fetch(path, withToken(init))
  } catch (failure) {
    if (init.signal?.aborted) throw failure
    throw new ApiError(0, 'the server does not answer')
  }
  if (response.ok) return response
  if (response.status === 401 && session.value?.roles.length) await refreshSession()
  throw new ApiError(response.status, await wordsOf(response))
}

/** How often a server that is at work on as many as it takes is asked again. */
const TRIES = 4

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  for (let tries = 1; ; ++tries) {
    try {
      return (await (await send(path, { signal })).json()) as T
    } catch (failure) {
      if (!(failure instanceof ApiError) || failure.status !== 503 || tries === TRIES) throw failure
      await new Promise((resolve) => setTimeout(resolve, 400 * tries))
    }
  }
}

export async function post<T>(path: string, body: unknown, init: RequestInit = {}): Promise<T> {
  const response = await send(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body), ...init })
  return (await response.text().then((text) => (text ? JSON.parse(text) : null))) as T
}

export async function refreshSession() {
  session.set(await get<Session>('/api/v1/session'))
}

/** "a/b c" as one segment of a path. */
export const segment = encodeURIComponent

/** Lines of an answer as they come, until `each` says false. */
export async function eachLine(response: Response, each: (line: string) => boolean) {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      const lines = (rest + value).split('\n')
      rest = lines.pop()!
      for (const line of lines) if (!each(line)) return
    }
    if (rest) each(rest)
  } finally {
    void reader.cancel().catch(() => undefined)
  }
}
