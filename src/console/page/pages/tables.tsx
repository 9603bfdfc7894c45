import { useState } from 'preact/hooks'
import { get, may, post, segment } from '../api'
import { ago, bytes, moment, number, percent, rate, short, span } from '../format'
import { isLate, live, rateOf } from '../live'
import { route, sqlName, to, toQuery } from '../route'
import { useStore } from '../store'
import { Action, Badge, Empty, Page, Panel, Pending, Stat, Stats, Table, Tabs, useLoad } from '../ui'
import { toneOf } from './overview'

interface TableRow {
  table: string
  form: string
  rows: number | null
  files: number | null
  bytes: number | null
  deletes: number | null
  snapshots: number | null
  last_commit: string | null
}
export interface ColumnRow {
  id: number
  column: string
  type: string
  required: boolean
  doc: string | null
}
interface SchemaVersion {
  schema_id: number
  current: boolean
  since: string | null
  columns: ColumnRow[]
}
export interface TableFacts {
  table: string
  form: 'iceberg' | 'files'
  uuid?: string
  location?: string
  metadata?: string
  partition_by?: string
  sort_by?: string
  properties?: Record<string, string>
  rows?: number
  data_files?: number
  delete_files?: number
  bytes?: number
  columns?: ColumnRow[]
  schemas?: SchemaVersion[]
  configured: { from: string; key: string[] } | null
}
interface SnapshotRow {
  snapshot: string
  committed_at: string
  operation: string | null
  added_rows: number | null
  added_files: number | null
  deleted_rows: number | null
  total_rows: number | null
  current: boolean
}
interface Layout {
  files: number
  small_files: number
  small_below_bytes: number
  bytes: number
  delete_files: number
  deleted_rows: number
  delete_ratio: number
  manifests: number
  snapshots: number
  partitions_total: number
  histogram: { from_bytes: number; to_bytes: number | null; files: number }[]
  partitions: { partition: string; files: number; small_files: number; rows: number; bytes: number }[]
}
interface MaintenanceRow {
  files_merged: number
  into: number
  bytes_rewritten: number
  deleted_rows_dropped: number
  snapshots_expired: number
  error: string | null
}

export function Tables() {
  const table = useStore(route).path[1]
  return table === undefined ? <TableList /> : <OneTable key={table} name={table} />
}

function TableList() {
  const { status } = useStore(live)
  const tables = useLoad((signal) => get<TableRow[]>('/api/v1/tables', signal), 'tables', 10_000)
  return (
    <Page title="Tables" lead="What has landed, and what models made of it.">
      <Pending of={tables} />
      {tables.data?.length === 0 && (
        <Empty title="There are no tables yet">
          <p>A table is made with the first rows that land in it. Name one under `tables:` with `from:` a topic or a source.</p>
        </Empty>
      )}
      {tables.data && tables.data.length > 0 && (
        <Panel flush>
          <Table
            caption="Tables"
            rows={tables.data}
            keyOf={(row) => row.table}
            columns={[
              { head: 'Table', cell: (row) => <a href={to('tables', row.table)}>{row.table}</a> },
              { head: 'Form', cell: (row) => row.form },
              { head: 'State', cell: (row) => (status?.tables[row.table] ? <Badge tone={toneOf(status.tables[row.table]!.state)}>{status.tables[row.table]!.state.replaceAll('_', ' ')}</Badge> : null) },
              { head: 'Rows', cell: (row) => number(row.rows), right: true },
              { head: 'Rate', cell: (row) => (status?.tables[row.table] ? rate(rateOf(`table ${row.table}`)) : ''), right: true },
              { head: 'Files', cell: (row) => number(row.files), right: true },
              { head: 'Size', cell: (row) => bytes(row.bytes), right: true },
              { head: 'Deletes', cell: (row) => number(row.deletes), right: true },
              { head: 'Snapshots', cell: (row) => number(row.snapshots), right: true },
              { head: 'Last commit', cell: (row) => ago(row.last_commit), right: true },
            ]}
          />
        </Panel>
      )}
    </Page>
  )
}

type Tab = 'schema' | 'snapshots' | 'files' | 'about'

function OneTable(props: { name: string }) {
  const { name } = props
  const [tab, setTab] = useState<Tab>('schema')
  const now = useStore(live).status?.tables[name]
  const path = `/api/v1/tables/${segment(name)}`
  const table = useLoad((signal) => get<TableFacts>(path, signal), path, 10_000)
  const facts = table.data
  const iceberg = facts?.form === 'iceberg'
  return (
    <Page
      title={name}
      back={[to('tables'), 'Tables']}
      lead={now?.why}
      actions={iceberg && may('query') && <a class="button" href={toQuery(`SELECT *\nFROM ${sqlName(name)}\nLIMIT 100`)}>Query it</a>}
    >
      <Pending of={table} />
      {facts && (
        <Stats>
          <Stat label="Rows" value={number(facts.rows ?? 0)} />
          <Stat label="Data files" value={number(facts.data_files ?? 0)} note={facts.delete_files ? `${number(facts.delete_files)} delete files` : undefined} />
          {facts.bytes !== undefined && <Stat label="Size" value={bytes(facts.bytes)} />}
          {now && <Stat label="Landing" value={rate(rateOf(`table ${name}`))} note={<Badge tone={toneOf(now.state)}>{now.state.replaceAll('_', ' ')}</Badge>} />}
          {now && <Stat label="Lag" value={span(now.lag_seconds)} note={`target ${span(now.freshness_seconds)}`} tone={isLate(now) ? 'warn' : undefined} />}
          {now && <Stat label="Rejected" value={number(now.rejected)} note={now.rejected > 0 && may('query') ? <a href={to('quarantine', name)}>in quarantine</a> : `${number(now.rescued_values)} values rescued`} tone={now.rejected > 0 ? 'warn' : undefined} />}
        </Stats>
      )}
      {iceberg && (
        <>
          <Tabs
            label="Parts of the table"
            value={tab}
            set={setTab}
            tabs={[
              ['schema', 'Schema'],
              ['snapshots', 'Snapshots'],
              ['files', 'Files'],
              ['about', 'About'],
            ]}
          />
          {tab === 'schema' && <SchemaTab facts={facts} />}
          {tab === 'snapshots' && <SnapshotsTab path={path} name={name} />}
          {tab === 'files' && <FilesTab path={path} reloadTable={table.reload} />}
          {tab === 'about' && <AboutTab facts={facts} />}
        </>
      )}
      {facts?.form === 'files' && (
        <Empty title="A table of plain files">
          <p>It is a folder of files, as they came: there is no schema, and nothing to maintain. It reads from {facts.configured?.from}.</p>
        </Empty>
      )}
    </Page>
  )
}

/** What is there and was not, what is gone, and what has another type, by field id: names may change. */
function changesOf(before: ColumnRow[], after: ColumnRow[]): { kind: string; text: string }[] {
  const was = new Map(before.map((column) => [column.id, column]))
  const is = new Map(after.map((column) => [column.id, column]))
  return [
    ...after.filter((column) => !was.has(column.id)).map((column) => ({ kind: 'added', text: `${column.column} ${column.type}` })),
    ...before.filter((column) => !is.has(column.id)).map((column) => ({ kind: 'dropped', text: column.column })),
    ...after.flatMap((column) => {
      const old = was.get(column.id)
      if (!old) return []
      const made: { kind: string; text: string }[] = []
      if (old.column !== column.column) made.push({ kind: 'renamed', text: `${old.column} to ${column.column}` })
      if (old.type !== column.type) made.push({ kind: 'widened', text: `${column.column}: ${old.type} to ${column.type}` })
      if (old.required !== column.required) made.push({ kind: 'optional', text: column.column })
      return made
    }),
  ]
}

function SchemaTab(props: { facts: TableFacts }) {
  const { columns = [], schemas = [] } = props.facts
  const history = schemas.map((schema, i) => ({ schema, changes: i === 0 ? null : changesOf(schemas[i - 1]!.columns, schema.columns) })).reverse()
  return (
    <div class="columns">
      <Panel title="Columns" note={number(columns.length)} flush>
        <Table
          caption="Columns"
          rows={columns}
          keyOf={(row) => String(row.id)}
          columns={[
            { head: 'Id', cell: (row) => row.id, right: true },
            { head: 'Column', cell: (row) => <span class="mono">{row.column}</span> },
            { head: 'Type', cell: (row) => <span class="mono">{row.type}</span> },
            { head: 'Required', cell: (row) => (row.required ? 'yes' : '') },
            { head: 'What it is', cell: (row) => row.doc ?? '', wide: true },
          ]}
        />
      </Panel>
      <Panel title="History of the schema" note={`${schemas.length} ${schemas.length === 1 ? 'version' : 'versions'}`}>
        <ol class="history">
          {history.map(({ schema, changes }) => (
            <li key={schema.schema_id}>
              <h3>
                Version {schema.schema_id}
                {schema.current && ' · now'}
                {schema.since && ` · since ${moment(schema.since)}`}
              </h3>
              {changes === null ? (
                <p>{schema.columns.length} columns, as it was made</p>
              ) : changes.length === 0 ? (
                <p class="note">Nothing that readers see</p>
              ) : (
                <ul>
                  {changes.map((change) => (
                    <li key={change.kind + change.text}>
                      <Badge tone={change.kind === 'added' ? 'good' : change.kind === 'dropped' ? 'bad' : 'info'}>{change.kind}</Badge> <span class="mono">{change.text}</span>
                    </li>
                  ))}
                </ul>
              )}
            </li>
          ))}
        </ol>
      </Panel>
    </div>
  )
}

const LINE_WIDTH = 1000
function TimeLine(props: { snapshots: SnapshotRow[] }) {
  const { snapshots } = props
  const times = snapshots.map((snapshot) => Date.parse(snapshot.committed_at))
  const first = Math.min(...times)
  const width = Math.max(...times) - first || 1
  // A replacement brings no rows: it stores what is there otherwise.
  const most = Math.max(...snapshots.map((snapshot) => (snapshot.operation === 'replace' ? 0 : (snapshot.added_rows ?? 0))), 1)
  return (
    <svg class="line" viewBox={`0 0 ${LINE_WIDTH} 90`} role="img" aria-label={`${snapshots.length} snapshots from ${moment(snapshots[0]?.committed_at)} to ${moment(snapshots.at(-1)?.committed_at)}; they are listed below`}>
      <line class="axis" x1="0" x2={LINE_WIDTH} y1="45" y2="45" />
      {snapshots.map((snapshot, i) => (
        <circle key={snapshot.snapshot} class={snapshot.operation ?? ''} cx={20 + ((times[i]! - first) / width) * (LINE_WIDTH - 40)} cy="45" r={snapshot.operation === 'replace' ? 4 : 4 + 16 * Math.sqrt((snapshot.added_rows ?? 0) / most)}>
          <title>{`${moment(snapshot.committed_at)}: ${snapshot.operation}, ${number(snapshot.added_rows)} rows added`}</title>
        </circle>
      ))}
      <text x="0" y="86">
        {moment(snapshots[0]?.committed_at)}
      </text>
      <text x={LINE_WIDTH} y="86" text-anchor="end">
        {moment(snapshots.at(-1)?.committed_at)}
      </text>
    </svg>
  )
}

const SHOWN_MAX = 200
function SnapshotsTab(props: { path: string; name: string }) {
  const snapshots = useLoad((signal) => get<SnapshotRow[]>(`${props.path}/snapshots`, signal), `${props.path}/snapshots`, 10_000)
  const rows = snapshots.data ?? []
  if (!snapshots.data) return <Pending of={snapshots} />
  if (rows.length === 0) return <Empty title="Nothing was committed yet" />
  return (
    <>
      <Panel title="Time line" note="each dot a commit; the larger, the more rows it brought">
        <TimeLine snapshots={rows.slice(-SHOWN_MAX)} />
      </Panel>
      <Panel title="Snapshots" note={rows.length > SHOWN_MAX ? `the newest ${SHOWN_MAX} of ${number(rows.length)}` : number(rows.length)} flush>
        <Table
          caption="Snapshots, the newest first"
          rows={rows.slice(-SHOWN_MAX).reverse()}
          keyOf={(row) => row.snapshot}
          columns={[
            { head: 'Committed', cell: (row) => moment(row.committed_at) },
            { head: 'Operation', cell: (row) => <Badge tone={row.operation === 'append' ? 'good' : row.operation === 'replace' ? 'idle' : 'info'}>{row.operation ?? '–'}</Badge> },
            { head: 'Rows added', cell: (row) => number(row.added_rows), right: true },
            { head: 'Rows deleted', cell: (row) => number(row.deleted_rows), right: true },
            { head: 'Files added', cell: (row) => number(row.added_files), right: true },
            { head: 'Rows then', cell: (row) => number(row.total_rows), right: true },
            { head: 'Snapshot', cell: (row) => <span class="mono">{row.snapshot}</span> },
            { head: '', cell: (row) => (row.current ? <Badge tone="info">now</Badge> : null) },
          ]}
        />
      </Panel>
    </>
  )
}

function FilesTab(props: { path: string; reloadTable: () => void }) {
  const layout = useLoad((signal) => get<Layout>(`${props.path}/layout`, signal), `${props.path}/layout`)
  const found = layout.data
  if (!found) return <Pending of={layout} />
  const maintain = async (dryRun: boolean) => {
    const [done] = await post<MaintenanceRow[]>(`${props.path}/maintain`, { dry_run: dryRun })
    layout.reload()
    props.reloadTable()
    if (done?.error) throw new Error(done.error)
    return `${dryRun ? 'Would be done: ' : 'Done: '}${number(done?.files_merged)} files into ${number(done?.into)} (${bytes(done?.bytes_rewritten)}), ${number(done?.snapshots_expired)} snapshots expired, ${number(done?.deleted_rows_dropped)} deleted rows dropped.`
  }
  const most = Math.max(...found.histogram.map((bin) => bin.files), 1)
  const last = found.histogram.findLastIndex((bin) => bin.files > 0)
  return (
    <>
      <Stats>
        <Stat label="Size" value={bytes(found.bytes)} note={`${number(found.manifests)} manifests, ${number(found.snapshots)} snapshots`} />
        <Stat label="Small files" value={`${number(found.small_files)} of ${number(found.files)}`} note={`below ${bytes(found.small_below_bytes)}`} />
        <Stat label="Deleted rows" value={percent(found.delete_ratio)} note={`${number(found.deleted_rows)} in ${number(found.delete_files)} delete files`} />
      </Stats>
      <div class="columns">
        <Panel
          title="Sizes of files"
          actions={
            may('operate') && (
              <>
                <Action label="What would be done?" run={() => maintain(true)} />
                <Action label="Maintain now" primary run={() => maintain(false)} />
              </>
            )
          }
        >
          {found.files === 0 ? (
            <Empty title="No files yet" />
          ) : (
            <div class="bars">
              {found.histogram.slice(0, Math.max(last, 3) + 1).map((bin) => (
                <>
                  <span>{bin.to_bytes === null ? `from ${bytes(bin.from_bytes)}` : `to ${bytes(bin.to_bytes)}`}</span>
                  <span class="bar-track" aria-hidden="true">
                    <i class={(bin.to_bytes ?? Infinity) <= found.small_below_bytes ? 'small' : ''} style={{ width: `${(bin.files / most) * 100}%` }} />
                  </span>
                  <span>{number(bin.files)}</span>
                </>
              ))}
            </div>
          )}
        </Panel>
        <Panel title="Partitions" note={found.partitions_total > found.partitions.length ? `the largest ${found.partitions.length} of ${number(found.partitions_total)}` : number(found.partitions_total)} flush>
          <Table
            caption="Partitions"
            rows={found.partitions}
            keyOf={(row) => row.partition}
            columns={[
              { head: 'Partition', cell: (row) => <span class="mono">{row.partition || 'all of it'}</span> },
              { head: 'Rows', cell: (row) => short(row.rows), right: true },
              { head: 'Files', cell: (row) => number(row.files), right: true },
              { head: 'Small', cell: (row) => number(row.small_files), right: true },
              { head: 'Size', cell: (row) => bytes(row.bytes), right: true },
            ]}
          />
        </Panel>
      </div>
    </>
  )
}

function AboutTab(props: { facts: TableFacts }) {
  const { facts } = props
  const entries: [string, string | undefined][] = [
    ['Reads from', facts.configured?.from],
    ['Key', facts.configured?.key.join(', ')],
    ['Partitioned by', facts.partition_by],
    ['Sorted by', facts.sort_by],
    ['Location', facts.location],
    ['Metadata', facts.metadata],
    ['UUID', facts.uuid],
  ]
  return (
    <div class="columns">
      <Panel title="About">
        <dl class="facts">
          {entries.map(([name, value]) =>
            value ? (
              <>
                <dt>{name}</dt>
                <dd class={name === 'Reads from' ? '' : 'mono'}>{value}</dd>
              </>
            ) : null,
          )}
        </dl>
      </Panel>
      <Panel title="Properties">
        <dl class="facts">
          {Object.entries(facts.properties ?? {}).map(([name, value]) => (
            <>
              <dt class="mono">{name}</dt>
              <dd class="mono">{value.length > 300 ? `${value.slice(0, 300)}…` : value}</dd>
            </>
          ))}
        </dl>
      </Panel>
    </div>
  )
}
