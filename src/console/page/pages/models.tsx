import { get, may, segment } from '../api'
import { Flow } from '../flow'
import { ago, bytes, moment, number } from '../format'
import { route, sqlName, to, toQuery } from '../route'
import { useStore } from '../store'
import { Badge, Empty, Page, Panel, Pending, Table, useLoad } from '../ui'
import { modelNodes, type ModelRow, outcomeTone, outcomeWords } from './overview'

interface FlowFacts {
  models: { name: string; view: boolean; made_of: string[] }[]
}
interface RunRow {
  began: string
  model: string
  outcome: string
  seconds: string
  rows: number
  rows_dropped: number
  files: number
  bytes: number
  why: string
}
interface ExpectationRow {
  checked_at: string
  model: string
  expectation: string
  severity: string
  verdict: string
  rows_checked: number
  rows_broken: number
  observed: string | null
  run_id: string
}
interface ModelFacts extends Record<string, unknown> {
  model: string
  description: string
  file: string
  materialized: string
  sql: string
  expect: string[]
  columns: { column: string; type: string | null; doc: string; tests: string }[]
}

export function Models() {
  const model = useStore(route).path[1]
  return model === undefined ? <ModelList /> : <Model key={model} name={model} />
}

/** The models and, before them, what they read that is none. */
function Picture(props: { facts: FlowFacts; rows: ModelRow[] }) {
  const { nodes, edges } = modelNodes(props.facts.models, props.rows, 1)
  const inputs = [...new Set(props.facts.models.flatMap((model) => model.made_of))].filter((name) => !props.facts.models.some((model) => model.name === name))
  const all = [
    ...inputs.map((name) => ({ id: `table ${name}`, column: 0, title: name, kind: 'table', href: to('tables', name), lines: ['lands as it comes'], tone: 'info' as const, state: 'table' })),
    ...nodes,
  ]
  return <Flow label="What is made of what" heads={{ 0: 'Tables', 1: 'Models' }} nodes={all} edges={edges} />
}

function Runs(props: { rows: RunRow[]; named: boolean }) {
  return (
    <Table
      caption="Runs, the newest first"
      rows={props.rows}
      keyOf={(row) => `${row.began} ${row.model}`}
      columns={[
        { head: 'Began', cell: (row) => moment(row.began) },
        ...(props.named ? [{ head: 'Model', cell: (row: RunRow) => <a href={to('models', row.model)}>{row.model}</a> }] : []),
        { head: 'Outcome', cell: (row) => <Badge tone={outcomeTone(row.outcome)}>{outcomeWords(row.outcome)}</Badge> },
        { head: 'Took', cell: (row) => `${row.seconds} s`, right: true },
        { head: 'Rows', cell: (row) => number(row.rows), right: true },
        { head: 'Dropped', cell: (row) => number(row.rows_dropped), right: true },
        { head: 'Written', cell: (row) => bytes(row.bytes), right: true },
        { head: 'Why', cell: (row) => row.why, wide: true },
      ]}
    />
  )
}

function Expectations(props: { rows: ExpectationRow[]; named: boolean }) {
  return (
    <Table
      caption="Expectations"
      rows={props.rows}
      keyOf={(row) => `${row.model} ${row.run_id} ${row.expectation}`}
      columns={[
        { head: 'Verdict', cell: (row) => <Badge tone={row.verdict === 'met' ? 'good' : row.severity === 'fail' ? 'bad' : 'warn'}>{row.verdict}</Badge> },
        ...(props.named ? [{ head: 'Model', cell: (row: ExpectationRow) => <a href={to('models', row.model)}>{row.model}</a> }] : []),
        { head: 'Expectation', cell: (row) => <span class="mono">{row.expectation}</span> },
        { head: 'If not', cell: (row) => row.severity },
        { head: 'Looked at', cell: (row) => number(row.rows_checked), right: true },
        { head: 'Broken', cell: (row) => number(row.rows_broken), right: true },
        { head: 'Observed', cell: (row) => row.observed ?? '' },
        { head: 'Checked', cell: (row) => ago(row.checked_at), right: true },
      ]}
    />
  )
}

function ModelList() {
  const flow = useLoad((signal) => get<FlowFacts>('/api/v1/flow', signal), 'flow')
  const models = useLoad((signal) => get<ModelRow[]>('/api/v1/models', signal), 'models', 5000)
  const runs = useLoad((signal) => get<RunRow[]>('/api/v1/runs?limit=50', signal), 'runs', 5000)
  const found = useLoad((signal) => get<ExpectationRow[]>('/api/v1/expectations', signal), 'expectations', 15_000)
  return (
    <Page title="Models" lead="Tables and views made by SQL of other tables, whenever those have something new or it is time.">
      <Pending of={models} />
      {models.data?.length === 0 && (
        <Empty title="This pipeline has no models">
          <p>
            Put a SQL file into the folder that `models:` names: models/gold/by_day.sql makes the table gold.by_day. Its comment says how it is made and what its rows have to be.
          </p>
        </Empty>
      )}
      {models.data && models.data.length > 0 && (
        <>
          {flow.data && (
            <Panel title="What is made of what" flush>
              <Picture facts={flow.data} rows={models.data} />
            </Panel>
          )}
          <Panel title="Models" flush>
            <Table
              caption="Models"
              rows={models.data}
              keyOf={(row) => row.model}
              columns={[
                { head: 'Model', cell: (row) => <a href={to('models', row.model)}>{row.model}</a> },
                { head: 'Made as', cell: (row) => row.materialized },
                { head: 'Last run', cell: (row) => (row.materialized === 'view' ? '' : <Badge tone={outcomeTone(row.outcome)}>{outcomeWords(row.outcome)}</Badge>) },
                { head: 'When', cell: (row) => (row.materialized === 'view' ? '' : ago(row.last_run)), right: true },
                { head: 'Runs', cell: (row) => row.schedule.replaceAll('_', ' ') },
                { head: 'Next', cell: (row) => moment(row.next_run) },
                { head: 'Made of', cell: (row) => row.made_of, wide: true },
              ]}
            />
          </Panel>
          {found.data && found.data.length > 0 && (
            <Panel title="Expectations" note="of each model’s last run" flush>
              <Expectations rows={found.data} named />
            </Panel>
          )}
          {runs.data && runs.data.length > 0 && (
            <Panel title="Runs" flush>
              <Runs rows={runs.data} named />
            </Panel>
          )}
        </>
      )}
    </Page>
  )
}

const FACTS: [string, string][] = [
  ['file', 'File'],
  ['materialized', 'Made as'],
  ['over', 'Driven by'],
  ['key', 'Key'],
  ['partition_by', 'Partitioned by'],
  ['sort_by', 'Sorted by'],
  ['schedule', 'Runs'],
  ['tags', 'Tags'],
  ['made_of', 'Made of'],
]

function Model(props: { name: string }) {
  const { name } = props
  const model = useLoad((signal) => get<ModelFacts>(`/api/v1/models/${segment(name)}`, signal), name)
  const runs = useLoad((signal) => get<RunRow[]>(`/api/v1/runs?limit=100&model=${segment(name)}`, signal), `runs ${name}`, 5000)
  const found = useLoad((signal) => get<ExpectationRow[]>(`/api/v1/expectations?runs=5&model=${segment(name)}`, signal), `expectations ${name}`, 15_000)
  const facts = model.data
  return (
    <Page
      title={name}
      back={[to('models'), 'Models']}
      lead={facts?.description}
      actions={
        may('query') && (
          <a class="button" href={toQuery(`SELECT *\nFROM ${sqlName(name)}\nLIMIT 100`)}>
            Query it
          </a>
        )
      }
    >
      <Pending of={model} />
      {facts && (
        <div class="columns">
          <Panel title="SQL">
            <pre class="code" tabIndex={0} role="region" aria-label="SQL of the model">
              {facts.sql.trim()}
            </pre>
          </Panel>
          <Panel title="About">
            <dl class="facts">
              {FACTS.map(([member, text]) =>
                facts[member] ? (
                  <>
                    <dt>{text}</dt>
                    <dd>{String(facts[member])}</dd>
                  </>
                ) : null,
              )}
              {facts.materialized !== 'view' && (
                <>
                  <dt>Table</dt>
                  <dd>
                    <a href={to('tables', name)}>{name}</a>
                  </dd>
                </>
              )}
            </dl>
          </Panel>
        </div>
      )}
      {facts && facts.columns.length > 0 && (
        <Panel title="Columns" flush>
          <Table
            caption="Columns"
            rows={facts.columns}
            keyOf={(row) => row.column}
            columns={[
              { head: 'Column', cell: (row) => <span class="mono">{row.column}</span> },
              { head: 'Type', cell: (row) => <span class="mono">{row.type ?? ''}</span> },
              { head: 'What it is', cell: (row) => row.doc, wide: true },
              { head: 'Has to be', cell: (row) => <span class="mono">{row.tests}</span> },
            ]}
          />
        </Panel>
      )}
      {found.data && found.data.length > 0 && (
        <Panel title="Expectations" note="of the last five runs" flush>
          <Expectations rows={found.data} named={false} />
        </Panel>
      )}
      <Panel title="Runs" flush>
        <Pending of={runs} />
        {runs.data?.length === 0 ? (
          <Empty title="It has not run yet">
            <p>It runs when what it is made of has something new, or when its schedule says so.</p>
          </Empty>
        ) : (
          runs.data && <Runs rows={runs.data} named={false} />
        )}
      </Panel>
    </Page>
  )
}
