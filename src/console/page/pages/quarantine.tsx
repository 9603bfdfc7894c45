import { useState } from 'preact/hooks'
import { get, may, post, segment } from '../api'
import { ago, moment, number, pretty } from '../format'
import { route, to } from '../route'
import { useStore } from '../store'
import { Action, Badge, Choice, Empty, Field, Json, Page, Panel, Pending, Problem, Stat, Stats, Table, tell, useLoad } from '../ui'
import type { ColumnRow, TableFacts } from './tables'
import { oneLine } from './topics'

interface CountRow {
  table: string
  cause: string
  records: number
  replayed: number
  first: string
  last: string
}
interface Held {
  topic: string
  partition: number
  offset: number
  split: string
  cause: string
  detail: string | null
  ingested_at: string
  record: string | null
}
interface ReplayRow {
  cause: string
  records: number
  landed: number
  failed: number
  failed_for: string | null
}

const counts = (signal: AbortSignal) => get<CountRow[]>('/api/v1/quarantine', signal)
const keyOf = (held: Held) => `${held.split} ${held.offset}`

export function Quarantine() {
  const table = useStore(route).path[1]
  return table === undefined ? <TableList /> : <OfTable key={table} name={table} />
}

function TableList() {
  const found = useLoad(counts, 'quarantine', 15_000)
  return (
    <Page title="Quarantine" lead="Records that could not become rows, each byte for byte with the cause. They wait here until they are replayed.">
      <Pending of={found} />
      {found.data?.length === 0 && (
        <Empty title="Quarantine is empty">
          <p>Every record became a row. One that cannot be read, or breaks a table’s contract, would be kept here and stop nothing.</p>
        </Empty>
      )}
      {found.data && found.data.length > 0 && (
        <Panel flush>
          <Table
            caption="Records in quarantine"
            rows={found.data}
            keyOf={(row) => `${row.table} ${row.cause}`}
            columns={[
              { head: 'Table', cell: (row) => <a href={to('quarantine', row.table)}>{row.table}</a> },
              { head: 'Cause', cell: (row) => <Badge tone="warn">{row.cause}</Badge> },
              { head: 'Waiting', cell: (row) => number(row.records), right: true },
              { head: 'Rows since', cell: (row) => number(row.replayed), right: true },
              { head: 'First', cell: (row) => moment(row.first) },
              { head: 'Last', cell: (row) => ago(row.last) },
            ]}
          />
        </Panel>
      )}
    </Page>
  )
}

function OfTable(props: { name: string }) {
  const { name } = props
  const found = useLoad(counts, 'quarantine', 15_000)
  const mine = found.data?.filter((row) => row.table === name) ?? []
  const [replayed, setReplayed] = useState(false)
  const [cause, setCause] = useState('')
  const [chosen, choose] = useState<string | null>(null)
  const path = `/api/v1/quarantine/${segment(name)}`
  // Read again whenever there are other counts.
  const records = useLoad(
    async (signal) => (mine.length > 0 ? get<Held[]>(`${path}?limit=500&replayed=${replayed}`, signal) : []),
    `${path} ${replayed} ${mine.map((row) => [row.cause, row.records, row.replayed]).join()}`,
  )
  const shown = (records.data ?? []).filter((held) => !cause || held.cause === cause)
  const open = shown.find((held) => keyOf(held) === chosen)
  const waiting = mine.reduce((sum, row) => sum + row.records, 0)
  return (
    <Page title={`Quarantine of ${name}`} back={[to('quarantine'), 'Quarantine']} actions={may('operate') && <Replay path={path} cause={cause} done={found.reload} />}>
      <Problem text={found.error} />
      <Stats>
        <Stat label="Waiting" value={number(waiting)} tone={waiting > 0 ? 'warn' : undefined} />
        <Stat label="Rows since" value={number(mine.reduce((sum, row) => sum + row.replayed, 0))} />
        {mine.map((row) => (
          <Stat key={row.cause} label={row.cause} value={number(row.records)} note={`last ${ago(row.last)}`} />
        ))}
      </Stats>
      <Panel
        title="Records"
        flush
        note={records.data && `${number(shown.length)} shown, the newest first`}
        actions={
          <label class="checks">
            <input type="checkbox" checked={replayed} onChange={(e) => setReplayed(e.currentTarget.checked)} />
            Also those that became rows
          </label>
        }
      >
        {mine.length > 1 && (
          <div class="form bar no-top">
            <Choice label="Cause" value={cause} set={setCause} options={[['', 'All'], ...mine.map((row): [string, string] => [row.cause, row.cause])]} />
          </div>
        )}
        <Pending of={records} />
        {found.data && records.data && shown.length === 0 && (
          <Empty title="Nothing waits here">
            <p>Every record meant for {name} became a row.</p>
          </Empty>
        )}
        {shown.length > 0 && (
          <Table
            caption="Records"
            rows={shown}
            keyOf={keyOf}
            chosen={chosen}
            choose={(held) => choose(keyOf(held) === chosen ? null : keyOf(held))}
            columns={[
              { head: 'Place', cell: (held) => `${held.topic} ${held.partition} : ${held.offset}` },
              { head: 'Came', cell: (held) => moment(held.ingested_at) },
              { head: 'Cause', cell: (held) => <Badge tone="warn">{held.cause}</Badge> },
              { head: 'Record', cell: (held) => <span class="clip mono">{(held.record ?? '').slice(0, 200)}</span> },
            ]}
          />
        )}
      </Panel>
      {open && <Detail key={chosen} held={open} table={name} />}
    </Page>
  )
}

/** What the schema wants beside what came: columns that the reason names stand first. */
function Detail(props: { held: Held; table: string }) {
  const { held, table } = props
  const facts = useLoad((signal) => get<TableFacts>(`/api/v1/tables/${segment(table)}`, signal), table)
  const reason = held.detail ?? held.cause
  const named = (column: ColumnRow) => new RegExp(`(^|[^\\w.])${column.column.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}($|[^\\w])`).test(reason)
  const columns = (facts.data?.columns ?? []).toSorted((a, b) => Number(named(b)) - Number(named(a)))
  return (
    <div class="columns">
      <Panel title="The record">
        <dl class="facts">
          <dt>Place</dt>
          <dd>
            <a href={to('topics', held.topic)}>{held.topic}</a>, partition {held.partition}, offset {held.offset}
          </dd>
          <dt>Came</dt>
          <dd>{moment(held.ingested_at)}</dd>
        </dl>
        <Json text={held.record ?? '(no bytes are kept)'} label="The record" />
        {may('operate') && held.record !== null && <Correct held={held} />}
      </Panel>
      <Panel title="What the table says">
        <p>
          <Badge tone="warn">{held.cause}</Badge>
        </p>
        <p class="reason">{reason}</p>
        {columns.length > 0 && (
          <Table
            caption={`Columns of ${table}`}
            rows={columns}
            keyOf={(column) => String(column.id)}
            columns={[
              { head: 'Column', cell: (column) => <span class={named(column) ? 'mono named' : 'mono'}>{column.column}</span> },
              { head: 'Type', cell: (column) => <span class="mono">{column.type}</span> },
              { head: 'Required', cell: (column) => (column.required ? 'yes' : '') },
            ]}
          />
        )}
        <p class="note">
          To let records like this one in, change <code>columns</code> or <code>contract</code> of {table} in the configuration, start the pipeline again, and replay.
        </p>
      </Panel>
    </div>
  )
}

function Correct(props: { held: Held }) {
  const { held } = props
  const [open, setOpen] = useState(false)
  const [text, setText] = useState(pretty(held.record ?? ''))
  const [problem, setProblem] = useState<string | null>(null)
  const send = async () => {
    await post(`/api/v1/topics/${segment(held.topic)}/records`, { value: oneLine(text) })
    setProblem(null)
    setOpen(false)
    return `A corrected copy is in ${held.topic}, and lands as any record does. The one in quarantine stays, as it came.`
  }
  if (!open) {
    return (
      <div class="actions">
        <button type="button" onClick={() => setOpen(true)}>
          Send a corrected copy
        </button>
      </div>
    )
  }
  return (
    <>
      <Field label={`Corrected, to ${held.topic}`}>{(id) => <textarea id={id} value={text} onInput={(e) => setText(e.currentTarget.value)} spellcheck={false} />}</Field>
      <Problem text={problem} />
      <div class="actions">
        <Action label="Send" primary run={send} told={(said, failed) => (failed ? setProblem(said) : tell(said, false))} />
        <button type="button" onClick={() => setOpen(false)}>
          Leave it
        </button>
      </div>
    </>
  )
}

function Replay(props: { path: string; cause: string; done: () => void }) {
  const run = async (dryRun: boolean) => {
    const rows = await post<ReplayRow[]>(`${props.path}/replay`, { dry_run: dryRun, causes: props.cause ? [props.cause] : [] })
    if (!dryRun) props.done()
    if (rows.length === 0) return 'Nothing waits to be replayed.'
    return rows
      .map((row) => `${row.cause}: ${number(row.landed)} of ${number(row.records)} ${dryRun ? 'would become rows' : 'became rows'}${row.failed ? `; ${number(row.failed)} ${dryRun ? 'would fail' : 'failed'} again (${row.failed_for})` : ''}`)
      .join('\n')
  }
  return (
    <>
      <Action label="Try a replay" run={() => run(true)} />
      <Action label="Replay" primary run={() => run(false)} />
    </>
  )
}
