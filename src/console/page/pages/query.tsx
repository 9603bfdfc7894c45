import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { eachLine, get, segment, send } from '../api'
import { Chart } from '../chart'
import type { Editor, Names } from '../editor'
import { number, span } from '../format'
import { chartOf, columnsOf, guess, isNumber, type Row } from '../results'
import { route, sqlName } from '../route'
import { useStore } from '../store'
import { Action, Choice, Empty, Input, Page, Panel, Problem, Table, Tabs } from '../ui'

/** Rows that are shown; a download has all of them. */
const SHOWN_MAX = 1000

interface TableRow {
  table: string
  form: string
}
interface Result {
  names: string[]
  rows: Row[]
  more: boolean
  seconds: number
}

// Kept while the page is open, as a person comes and goes.
let draft = ''
let kept: Result | null = null

async function ask(sql: string, asOf: string, signal: AbortSignal): Promise<Result> {
  const began = performance.now()
  const response = await send('/api/v1/query', {
    method: 'POST',
    signal,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ sql, format: 'jsonl', ...(asOf ? { as_of: asOf } : {}) }),
  })
  const rows: Row[] = []
  let more = false
  await eachLine(response, (line) => {
    if (rows.length === SHOWN_MAX) {
      more = true
      return false
    }
    if (line) rows.push(JSON.parse(line) as Row)
    return true
  })
  return { names: Object.keys(rows[0] ?? {}), rows, more, seconds: (performance.now() - began) / 1000 }
}

const EXTENSIONS: [string, string][] = [
  ['csv', 'CSV'],
  ['json', 'JSON'],
  ['parquet', 'Parquet'],
  ['xlsx', 'Excel'],
]

async function download(sql: string, asOf: string, format: string) {
  const response = await send('/api/v1/query', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ sql, format, ...(asOf ? { as_of: asOf } : {}) }),
  })
  const link = document.createElement('a')
  link.href = URL.createObjectURL(await response.blob())
  link.download = `query.${format}`
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}

export function cellText(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function Rows(props: { result: Result }) {
  const { names, rows } = props.result
  const numeric = useMemo(() => new Set(columnsOf(rows, names, isNumber)), [rows])
  return (
    <div class="result">
      <Table
        caption="Rows of the result"
        rows={rows.map((row, i) => ({ row, i }))}
        keyOf={({ i }) => String(i)}
        columns={names.map((name) => ({
          head: name,
          right: numeric.has(name),
          cell: ({ row }: { row: Row; i: number }) => (row[name] === null ? <span class="null">null</span> : <span class="clip">{cellText(row[name])}</span>),
        }))}
      />
    </div>
  )
}

function Picture(props: { result: Result }) {
  const { names, rows } = props.result
  const first = useMemo(() => guess(rows, names), [rows])
  const [x, setX] = useState(first?.x ?? '')
  const [ys, setYs] = useState(first?.ys ?? [])
  const data = useMemo(() => chartOf(rows, x, ys), [rows, x, ys])
  if (!first) {
    return (
      <Empty title="Nothing to draw">
        <p>A chart needs a column of numbers and one to set them against, such as SELECT type, count(*) … GROUP BY type.</p>
      </Empty>
    )
  }
  return (
    <div class="panel-body">
      <div class="form">
        <Choice label="Along" value={x} set={setX} options={names.map((name) => [name, name])} />
        <fieldset class="picks">
          <legend>Drawn</legend>
          {columnsOf(rows, names, isNumber).map((name) => (
            <label key={name}>
              <input type="checkbox" checked={ys.includes(name)} onChange={() => setYs(ys.includes(name) ? ys.filter((each) => each !== name) : [...ys, name].slice(-5))} />
              {name}
            </label>
          ))}
        </fieldset>
      </div>
      {data && <Chart data={data} />}
    </div>
  )
}

function Names_(props: { names: Names; load: (table: string) => void; insert: (text: string) => void }) {
  return (
    <ul class="tree" aria-label="Tables and columns">
      {Object.entries(props.names).map(([table, columns]) => (
        <li key={table}>
          <details onToggle={(e) => e.currentTarget.open && props.load(table)}>
            <summary>{table}</summary>
            <ul>
              <li>
                <button type="button" class="plain" onClick={() => props.insert(sqlName(table))}>
                  insert the name
                </button>
              </li>
              {columns.map((column) => (
                <li key={column}>
                  <button type="button" class="plain mono" onClick={() => props.insert(column)}>
                    {column}
                  </button>
                </li>
              ))}
            </ul>
          </details>
        </li>
      ))}
    </ul>
  )
}

/** Every table, and its columns once somebody may need them. */
function useNames(editor: Editor | null) {
  const [names, set] = useState<Names>({})
  useEffect(() => {
    const stop = new AbortController()
    const load = async () => {
      const tables = (await get<TableRow[]>('/api/v1/tables', stop.signal)).filter((table) => table.form === 'iceberg')
      set(Object.fromEntries(tables.map((table) => [table.table, []])))
      for (const table of tables.slice(0, 50)) await columns(table.table, stop.signal)
    }
    void load().catch(() => undefined)
    return () => stop.abort()
  }, [])
  const columns = async (table: string, signal?: AbortSignal) => {
    const facts = await get<{ columns?: { column: string }[] }>(`/api/v1/tables/${segment(table)}`, signal)
    set((old) => ({ ...old, [table]: (facts.columns ?? []).map((column) => column.column) }))
  }
  useEffect(() => editor?.complete(names), [editor, names])
  return { names, load: (table: string) => void (names[table]?.length === 0 && columns(table).catch(() => undefined)) }
}

export function Query() {
  const place = useRef<HTMLDivElement>(null)
  const [editor, setEditor] = useState<Editor | null>(null)
  const [result, setResult] = useState<Result | null>(kept)
  const [problem, setProblem] = useState<string | null>(null)
  const [running, setRunning] = useState<AbortController | null>(null)
  const [tab, setTab] = useState<'rows' | 'chart'>('rows')
  const [asOf, setAsOf] = useState('')
  const [format, setFormat] = useState('csv')
  const { names, load } = useNames(editor)
  const wanted = useStore(route).query.get('sql')

  const run = useRef(() => undefined as void)
  run.current = () => {
    if (!editor || running) return
    const stop = new AbortController()
    setRunning(stop)
    setProblem(null)
    ask(editor.text(), asOf, stop.signal)
      .then(
        (answer) => setResult((kept = answer)),
        (failure: Error) => setProblem(stop.signal.aborted ? 'Cancelled.' : failure.message),
      )
      .finally(() => setRunning(null))
  }

  useEffect(() => {
    let opened: Editor | null = null
    let gone = false
    void import('../editor').then(({ openEditor }) => {
      if (gone || !place.current) return
      opened = openEditor(place.current, wanted ?? draft, () => run.current())
      setEditor(opened)
    })
    return () => {
      gone = true
      if (opened) draft = opened.text()
      opened?.close()
    }
  }, [])
  useEffect(() => {
    if (wanted && editor && editor.text() !== wanted) editor.set(wanted)
  }, [wanted])

  return (
    <Page title="Query" lead="SQL over the tables of the lake; each statement runs in a process of its own and changes nothing.">
      <div class="split">
        <Panel title="Tables">
          {Object.keys(names).length === 0 ? <Empty title="No tables yet" /> : <Names_ names={names} load={load} insert={(text) => editor?.insert(text)} />}
        </Panel>
        <div class="stack">
          <section class="panel" aria-label="Statement">
            <div ref={place} class="editor" />
            <div class="form bar">
              {running ? (
                <button type="button" onClick={() => running.abort()}>
                  Cancel
                </button>
              ) : (
                <button type="button" class="primary" disabled={!editor} onClick={() => run.current()}>
                  Run <kbd>Ctrl ↵</kbd>
                </button>
              )}
              <Input label="As of" value={asOf} set={setAsOf} placeholder="a time or snapshot" />
              <Choice label="Download as" value={format} set={setFormat} options={EXTENSIONS} />
              <Action label="Download" disabled={!editor} run={() => download(editor!.text(), asOf, format)} />
            </div>
          </section>
          <Problem text={problem} />
          {running && (
            <p class="pending" role="status">
              Running…
            </p>
          )}
          {result && !running && (
            <Panel
              title="Result"
              flush
              note={`${result.more ? `the first ${number(SHOWN_MAX)}` : number(result.rows.length)} rows · ${span(result.seconds)}`}
              actions={
                <Tabs
                  label="How the result is shown"
                  value={tab}
                  set={setTab}
                  tabs={[
                    ['rows', 'Rows'],
                    ['chart', 'Chart'],
                  ]}
                />
              }
            >
              {result.rows.length === 0 ? <Empty title="No rows" /> : tab === 'rows' ? <Rows result={result} /> : <Picture result={result} />}
            </Panel>
          )}
          {!result && !running && !problem && (
            <Empty title="Nothing asked yet">
              <p>Write a statement, or insert a table from the left, and press Ctrl + Enter.</p>
            </Empty>
          )}
        </div>
      </div>
    </Page>
  )
}
