import { get, session } from '../api'
import { Flow, type FlowEdge, type FlowNode } from '../flow'
import { ago, bytes, number, percent, rate, short, span } from '../format'
import { isLate, live, type LiveStatus, type LiveTable, rateOf, ratesOf } from '../live'
import { to } from '../route'
import { useStore } from '../store'
import { Badge, Empty, Page, Panel, Pending, Spark, Stat, Stats, Table, type Tone, useLoad } from '../ui'

interface FlowFacts {
  pipeline: string
  sources: { name: string; kind: string; topics: string[] }[]
  topics: string[]
  tables: { name: string; from: string; form: string }[]
  documents: { name: string; from: string; store: string }[]
  models: { name: string; view: boolean; made_of: string[] }[]
}
export interface ModelRow {
  model: string
  materialized: string
  schedule: string
  next_run: string | null
  last_run: string | null
  outcome: string | null
  made_of: string
}

const BAD = ['failed', 'stopped', 'stalled', 'catalog', 'store', 'outcome_unknown', 'stream']
const WARN = ['behind', 'memory', 'replay', 'paused']
export function toneOf(state: string | undefined): Tone {
  if (!state) return 'idle'
  if (BAD.includes(state)) return 'bad'
  if (WARN.includes(state)) return 'warn'
  return state === 'starting' || state === 'drained' ? 'idle' : 'good'
}
export const outcomeTone = (outcome: string | null): Tone => (outcome === 'failed' ? 'bad' : outcome === 'skipped' ? 'warn' : outcome ? 'good' : 'idle')
export const outcomeWords = (outcome: string | null) => (outcome === 'nothing' ? 'nothing new' : (outcome ?? 'not run yet'))
const words = (state: string) => state.replaceAll('_', ' ')

function landing(status: LiveStatus | null, name: string, kind: string, from: string, href: string): { node: FlowNode; edge: FlowEdge } {
  const table = status?.tables[name]
  const node: FlowNode = {
    id: `table ${name}`,
    column: 2,
    title: name,
    kind,
    href,
    tone: toneOf(table?.state),
    state: words(table?.state ?? 'unknown'),
    lines: table ? [<>{rate(rateOf(`table ${name}`))}</>, <>lag {span(table.lag_seconds)} of {span(table.freshness_seconds)}</>] : [],
    fill: table && table.freshness_seconds > 0 ? table.lag_seconds / table.freshness_seconds : undefined,
    late: table && isLate(table),
    moves: rateOf(`table ${name}`) > 0,
  }
  return { node, edge: { from, to: node.id } }
}

/** How many models lie between a model and what is no model. */
function depths(models: FlowFacts['models']): Map<string, number> {
  const depth = new Map<string, number>()
  const of = (name: string): number => {
    const model = models.find((each) => each.name === name)
    if (!model) return -1
    if (!depth.has(name)) depth.set(name, Math.max(-1, ...model.made_of.map(of)) + 1)
    return depth.get(name)!
  }
  for (const model of models) of(model.name)
  return depth
}

export function modelNodes(models: FlowFacts['models'], rows: ModelRow[], first: number): { nodes: FlowNode[]; edges: FlowEdge[] } {
  const depth = depths(models)
  const nodes = models.map((model): FlowNode => {
    const row = rows.find((each) => each.model === model.name)
    const outcome = model.view ? 'view' : outcomeWords(row?.outcome ?? null)
    return {
      id: `table ${model.name}`,
      column: first + (depth.get(model.name) ?? 0),
      title: model.name,
      kind: model.view ? 'view' : (row?.materialized ?? 'model'),
      href: to('models', model.name),
      tone: model.view ? 'idle' : outcomeTone(row?.outcome ?? null),
      state: outcome,
      lines: model.view ? ['made when it is read'] : [<>{outcome}</>, <>{row?.last_run ? ago(row.last_run) : row?.schedule || ' '}</>],
    }
  })
  const edges = models.flatMap((model) => model.made_of.map((input) => ({ from: `table ${input}`, to: `table ${model.name}` })))
  return { nodes, edges }
}

type Configs = Record<string, { info: { config: Record<string, string> } }>

/** What connectors bring in and take out. Which topics one reads stands in its configuration. */
function connectorParts(status: LiveStatus | null, configs: Configs): { nodes: FlowNode[]; edges: FlowEdge[] } {
  const nodes: FlowNode[] = []
  const edges: FlowEdge[] = []
  for (const [name, connector] of Object.entries(status?.connectors ?? {})) {
    const failed = connector.state === 'FAILED'
    const tone: Tone = failed ? 'bad' : connector.state === 'RUNNING' ? 'good' : 'idle'
    const topics = (configs[name]?.info.config.topics ?? '').split(',').map((topic) => topic.trim()).filter(Boolean)
    for (const [feed, now] of Object.entries(connector.feeds)) {
      const brings = connector.type === 'source'
      nodes.push({ id: feed, column: brings ? 0 : 2, title: feed.slice(feed.indexOf(' ') + 1), kind: 'connector', href: to('connectors', name), tone, state: connector.state.toLowerCase(), lines: [rate(rateOf(feed)), brings ? `${short(now.events)} events` : `${short(now.rows)} rows`], moves: rateOf(feed) > 0 })
      if (brings && now.topic) edges.push({ from: feed, to: `topic ${now.topic}` })
      if (!brings) for (const topic of topics) edges.push({ from: `topic ${topic}`, to: feed })
    }
  }
  return { nodes, edges }
}

function picture(facts: FlowFacts, rows: ModelRow[], status: LiveStatus | null, configs: Configs): { nodes: FlowNode[]; edges: FlowEdge[] } {
  const nodes: FlowNode[] = []
  const edges: FlowEdge[] = []
  for (const source of facts.sources) {
    const now = status?.sources[source.name]
    const id = `source ${source.name}`
    const moves = rateOf(id) > 0
    nodes.push({ id, column: 0, title: source.name, kind: source.kind, href: source.topics[0] ? to('topics', source.topics[0]) : to('tables'), tone: toneOf(now?.state), state: words(now?.state ?? 'feeds tables itself'), lines: now ? [rate(rateOf(id)), `${short(now.events)} events`] : ['feeds tables itself'], moves })
    for (const topic of source.topics) edges.push({ from: id, to: `topic ${topic}` })
  }
  const topics = [...new Set([...facts.topics, ...Object.keys(status?.topics ?? {})])]
  for (const topic of topics) {
    const now = status?.topics[topic]
    const id = `topic ${topic}`
    nodes.push({ id, column: 1, title: topic, kind: now && now.partitions > 1 ? `${now.partitions} partitions` : 'topic', href: to('topics', topic), tone: now ? 'info' : 'idle', state: 'topic', lines: now ? [rate(rateOf(id)), `${short(now.records)} records · ${bytes(now.bytes)}`] : [], moves: rateOf(id) > 0 })
  }
  const fromId = (from: string) => (topics.includes(from) ? `topic ${from}` : `source ${from}`)
  for (const table of facts.tables) {
    const made = landing(status, table.name, table.form, fromId(table.from), to('tables', table.name))
    nodes.push(made.node)
    edges.push(made.edge)
  }
  for (const documents of facts.documents) {
    const made = landing(status, documents.name, documents.store, fromId(documents.from), to('topics', documents.from))
    nodes.push(made.node)
    edges.push(made.edge)
  }
  const models = modelNodes(facts.models, rows, 3)
  const connectors = connectorParts(status, configs)
  return { nodes: [...nodes, ...connectors.nodes, ...models.nodes], edges: [...edges, ...connectors.edges, ...models.edges] }
}

function worst(tables: LiveTable[]): LiveTable | undefined {
  return tables.toSorted((a, b) => Number(isLate(b)) - Number(isLate(a)) || b.lag_seconds - a.lag_seconds)[0]
}

function Numbers(props: { status: LiveStatus }) {
  const { status } = props
  const tables = Object.values(status.tables)
  const late = worst(tables)
  const over = late && isLate(late)
  const rejected = tables.reduce((sum, table) => sum + table.rejected, 0)
  const memory = status.memory.limit_bytes > 0 ? status.memory.used_bytes / status.memory.limit_bytes : 0
  return (
    <Stats>
      <Stat label="Events taken in" value={rate(rateOf('events'))} note={<Spark values={ratesOf('events')} />} />
      <Stat label="Rows landed" value={rate(rateOf('rows'))} note={<Spark values={ratesOf('rows')} />} />
      <Stat label="Longest lag" value={late ? span(late.lag_seconds) : '–'} note={late && `target ${span(late.freshness_seconds)}`} tone={over ? 'warn' : undefined} />
      <Stat label="To quarantine" value={number(rejected)} note="since the start" tone={rejected > 0 ? 'warn' : undefined} />
      <Stat label="Buffer memory" value={percent(memory)} note={`${bytes(status.memory.used_bytes)} of ${bytes(status.memory.limit_bytes)}`} tone={memory > 0.95 ? 'warn' : undefined} />
    </Stats>
  )
}

function Landing(props: { status: LiveStatus }) {
  return (
    <Table
      caption="What each table waits for"
      rows={Object.entries(props.status.tables)}
      keyOf={([name]) => name}
      columns={[
        { head: 'Table', cell: ([name]) => <a href={to('tables', name)}>{name}</a> },
        { head: 'State', cell: ([, table]) => <Badge tone={toneOf(table.state)}>{words(table.state)}</Badge> },
        { head: 'Rate', cell: ([name]) => rate(rateOf(`table ${name}`)), right: true },
        { head: 'Lag', cell: ([, table]) => span(table.lag_seconds), right: true },
        { head: 'Target', cell: ([, table]) => span(table.freshness_seconds), right: true },
        { head: 'Waiting', cell: ([, table]) => short(Math.max(0, table.unread_records) + table.pending_records), right: true },
        { head: 'Rejected', cell: ([, table]) => number(table.rejected), right: true },
        { head: 'Last commit', cell: ([, table]) => ago(table.last_commit?.at), right: true },
        { head: 'Why', cell: ([, table]) => table.why, wide: true },
      ]}
    />
  )
}

function Readiness() {
  const ready = useLoad(async (signal) => (await fetch('/health/ready', { signal, credentials: 'omit' })).json() as Promise<{ status: string; reasons?: string[] }>, 'ready', 5000)
  if (!ready.data || ready.data.status === 'ready') return null
  return (
    <div class="notice" role="status">
      <b>Not ready.</b> {(ready.data.reasons ?? []).join('; ')}
    </div>
  )
}

const HEADS = { 0: 'Sources', 1: 'Topics', 2: 'Tables and documents', 3: 'Models' }

export function Overview() {
  const { status } = useStore(live)
  const flow = useLoad((signal) => get<FlowFacts>('/api/v1/flow', signal), 'flow', 30_000)
  const models = useLoad((signal) => get<ModelRow[]>('/api/v1/models', signal), 'models', 10_000)
  const connected = session.value?.parts.connectors ?? false
  const configs = useLoad(async (signal) => (connected ? get<Configs>('/connectors?expand=info', signal) : {}), 'connectors', 10_000)
  const facts = flow.data
  const made = facts && picture(facts, models.data ?? [], status, configs.data ?? {})
  return (
    <Page title="Overview" lead={facts ? <>Pipeline {facts.pipeline}</> : undefined}>
      <Readiness />
      {status && <Numbers status={status} />}
      <Pending of={flow} />
      {made && made.nodes.length === 0 && (
        <Empty title="Nothing flows yet">
          <p>This pipeline has no sources, topics or tables. A first one, in millrace.yaml:</p>
          <pre class="code">{FIRST}</pre>
          <p>Then start it again: millrace run</p>
        </Empty>
      )}
      {made && made.nodes.length > 0 && (
        <Panel title="Flow" flush>
          <Flow label="The flow of events" heads={HEADS} nodes={made.nodes} edges={made.edges} />
        </Panel>
      )}
      {status && Object.keys(status.tables).length > 0 && (
        <Panel title="Landing" flush>
          <Landing status={status} />
        </Panel>
      )}
    </Page>
  )
}

const FIRST = `sources:
  users:
    generator: { kind: users, rate: 10 }
    topic: users_created
tables:
  silver.users:
    from: users_created
    key: [id]`
