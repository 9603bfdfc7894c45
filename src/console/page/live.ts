import { eachLine, send } from './api'
import { Store } from './store'

export interface LiveSource {
  state: string
  topic?: string
  topics?: string[]
  events: number
  why?: string
}
export interface LiveTable {
  state: string
  why: string
  rows: number
  records: number
  rejected: number
  rescued_values: number
  unread_records: number
  pending_records: number
  lag_seconds: number
  freshness_seconds: number
  newest_visible: string | null
  last_commit: { at: string; seconds: number; rows: number } | null
  data_files?: number
  small_files?: number
}
/** Behind what was asked for: rows become visible with the commit, which begins when `freshness` is over and takes its time. */
export const isLate = (table: LiveTable) => table.lag_seconds > table.freshness_seconds * 1.2 + (table.last_commit?.seconds ?? 0) + 0.5

export interface LiveTopic {
  partitions: number
  came: number
  records: number
  bytes: number
}
/** One that is made over HTTP; its feeds are called "source NAME" and "table NAME". */
export interface LiveConnector {
  type: string
  state: string
  why?: string
  feeds: Record<string, { state: string; topic?: string; events?: number; records?: number; rows?: number }>
}
export interface LiveStatus {
  pipeline: string
  at: string
  memory: { used_bytes: number; limit_bytes: number }
  sources: Record<string, LiveSource>
  tables: Record<string, LiveTable>
  topics: Record<string, LiveTopic>
  connectors?: Record<string, LiveConnector>
}

/** Counters of the last minute, one entry an event; rates are made of them. */
const KEPT = 60
class Trail {
  private readonly at: number[] = []
  private readonly count: number[] = []

  add(at: number, count: number) {
    this.at.push(at)
    this.count.push(count)
    if (this.at.length > KEPT) {
      this.at.shift()
      this.count.shift()
    }
  }
  /** A second, over the last so many events. */
  rate(events: number): number {
    const last = this.at.length - 1
    const first = Math.max(0, last - events)
    if (last <= first) return 0
    const seconds = (this.at[last]! - this.at[first]!) / 1000
    return seconds > 0 ? Math.max(0, (this.count[last]! - this.count[first]!) / seconds) : 0
  }
  rates(): number[] {
    return this.count.slice(1).map((count, i) => {
      const seconds = (this.at[i + 1]! - this.at[i]!) / 1000
      return seconds > 0 ? Math.max(0, (count - this.count[i]!) / seconds) : 0
    })
  }
}

export interface Live {
  connected: boolean
  status: LiveStatus | null
}
export const live = new Store<Live>({ connected: false, status: null })
const trails = new Map<string, Trail>()

/** Topics are counted every some seconds only, so theirs is of a longer stretch. */
export const rateOf = (what: string) => trails.get(what)?.rate(what.startsWith('topic ') ? 15 : 5) ?? 0
export const ratesOf = (what: string) => trails.get(what)?.rates() ?? []

function note(what: string, at: number, count: number) {
  let trail = trails.get(what)
  if (!trail) trails.set(what, (trail = new Trail()))
  trail.add(at, count)
}

/** How many records each table has not read yet, one entry an event for a quarter of an hour; null while it was not there. */
const UNREAD_KEPT = 900
export const unread = { at: [] as number[], of: new Map<string, (number | null)[]>() }

function noteUnread(at: number, tables: LiveStatus['tables']) {
  const before = unread.at.push(at / 1000) - 1
  for (const name of Object.keys(tables)) if (!unread.of.has(name)) unread.of.set(name, Array<null>(before).fill(null))
  for (const [name, values] of unread.of) values.push(tables[name]?.unread_records ?? null)
  if (unread.at.length > UNREAD_KEPT) for (const values of [unread.at, ...unread.of.values()]) values.shift()
}

function take(status: LiveStatus) {
  const at = Date.parse(status.at)
  noteUnread(at, status.tables)
  let events = 0
  let rows = 0
  for (const [name, source] of Object.entries(status.sources)) {
    note(`source ${name}`, at, source.events)
    events += source.events
  }
  for (const [name, topic] of Object.entries(status.topics)) if (topic.came >= 0) note(`topic ${name}`, at, topic.came)
  for (const [name, table] of Object.entries(status.tables)) {
    note(`table ${name}`, at, table.records)
    rows += table.rows
  }
  for (const connector of Object.values(status.connectors ?? {})) {
    for (const [feed, now] of Object.entries(connector.feeds)) {
      note(feed, at, now.events ?? now.records ?? 0)
      events += now.events ?? 0
      rows += now.rows ?? 0
    }
  }
  note('events', at, events)
  note('rows', at, rows)
  live.set({ connected: true, status })
}

/** Follows the server while somebody may see it, until stopped: a browser has few connections to a server, and a server few
 * places for who follows. */
export function follow(): () => void {
  let stop = document.hidden ? () => undefined : followNow()
  const turn = () => {
    stop()
    stop = document.hidden ? () => undefined : followNow()
  }
  document.addEventListener('visibilitychange', turn)
  return () => {
    document.removeEventListener('visibilitychange', turn)
    stop()
  }
}

/** After a break it asks again, more slowly each time up to ten seconds. */
function followNow(): () => void {
  const stop = new AbortController()
  const run = async () => {
    let wait = 500
    while (!stop.signal.aborted) {
      try {
        const response = await send('/api/v1/events', { signal: stop.signal })
        await eachLine(response, (line) => {
          if (line.startsWith('data: ')) {
            take(JSON.parse(line.slice(6)) as LiveStatus)
            wait = 500
          }
          return true
        })
      } catch {
        // What went wrong is that nothing comes, and that is shown.
      }
      if (stop.signal.aborted) return
      live.set({ ...live.value, connected: false })
      await new Promise((resolve) => setTimeout(resolve, wait))
      wait = Math.min(wait * 2, 10_000)
    }
  }
  void run()
  return () => stop.abort()
}
