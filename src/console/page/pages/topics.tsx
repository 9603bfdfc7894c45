import { Fragment } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import { get, may, post, segment } from '../api'
import { Chart, type ChartData } from '../chart'
import { ago, bytes, moment, number, rate, short } from '../format'
import { live, rateOf, ratesOf, unread } from '../live'
import { route, to } from '../route'
import { useStore } from '../store'
import { Action, Choice, Empty, Field, Input, Json, Page, Panel, Pending, Problem, Spark, Stat, Stats, Table, tell, useLoad } from '../ui'

interface TopicRow {
  topic: string
  partitions: number
  records: number | null
  bytes: number | null
  retention: string | null
  lag_max: number | null
}
interface TopicFacts {
  topic: string
  id: string
  retention: string | null
  partitions: { partition: number; first_offset: number | null; next_offset: number | null; records: number | null; bytes: number | null }[]
  readers: { reader: string; partition: number; next_offset: number; lag: number }[]
}
interface Message {
  partition: number
  offset: number
  time: string
  key: string | null
  headers: { key: string; value?: string | null; value_base64?: string }[]
  value: string
  bytes: number
}
interface Look {
  records: Message[]
  scanned: number
  complete: boolean
  next: Record<string, number>
  failed?: number
  failure?: string
}

export function Topics() {
  const topic = useStore(route).path[1]
  return topic === undefined ? <TopicList /> : <Topic key={topic} name={topic} />
}

function TopicList() {
  useStore(live)
  const topics = useLoad((signal) => get<TopicRow[]>('/api/v1/topics', signal), 'topics', 5000)
  return (
    <Page title="Topics" lead="What has come, in the order it came, until retention drops it.">
      <Pending of={topics} />
      {topics.data?.length === 0 && (
        <Empty title="There are no topics yet">
          <p>A source with `topic` makes one when the pipeline starts; so does `millrace topics create NAME`.</p>
        </Empty>
      )}
      {topics.data && topics.data.length > 0 && (
        <Panel flush>
          <Table
            caption="Topics"
            rows={topics.data}
            keyOf={(row) => row.topic}
            columns={[
              { head: 'Topic', cell: (row) => <a href={to('topics', row.topic)}>{row.topic}</a> },
              { head: 'Partitions', cell: (row) => row.partitions, right: true },
              { head: 'Rate', cell: (row) => rate(rateOf(`topic ${row.topic}`)), right: true },
              { head: 'Records', cell: (row) => number(row.records), right: true },
              { head: 'Size', cell: (row) => bytes(row.bytes), right: true },
              { head: 'Kept', cell: (row) => row.retention ?? 'for ever' },
              { head: 'Slowest reader is behind by', cell: (row) => (row.lag_max === null ? 'nobody reads it' : number(row.lag_max)), right: true },
            ]}
          />
        </Panel>
      )}
    </Page>
  )
}

function Topic(props: { name: string }) {
  useStore(live)
  const { name } = props
  const topic = useLoad((signal) => get<TopicFacts>(`/api/v1/topics/${segment(name)}`, signal), name, 3000)
  const facts = topic.data
  const sum = (of: (partition: TopicFacts['partitions'][number]) => number | null) =>
    facts?.partitions.reduce<number | null>((total, partition) => (total === null || of(partition) === null ? null : total + of(partition)!), 0) ?? null
  return (
    <Page title={name} back={[to('topics'), 'Topics']}>
      <Pending of={topic} />
      {facts && (
        <>
          <Stats>
            <Stat label="Records" value={number(sum((p) => p.records))} />
            <Stat label="Size" value={bytes(sum((p) => p.bytes))} />
            <Stat label="Rate" value={rate(rateOf(`topic ${name}`))} note={<Spark values={ratesOf(`topic ${name}`)} />} />
            <Stat label="Partitions" value={facts.partitions.length} />
            <Stat label="Kept" value={facts.retention ?? 'for ever'} />
          </Stats>
          <Unread topic={name} />
          {may('query') && <Messages name={name} partitions={facts.partitions.map((each) => each.partition)} />}
          {may('operate') && <Produce name={name} />}
          <div class="columns">
            <Panel title="Partitions" flush>
              <Table
                caption="Partitions"
                rows={facts.partitions}
                keyOf={(row) => String(row.partition)}
                columns={[
                  { head: 'Partition', cell: (row) => row.partition },
                  { head: 'First offset', cell: (row) => number(row.first_offset), right: true },
                  { head: 'Next offset', cell: (row) => number(row.next_offset), right: true },
                  { head: 'Records', cell: (row) => number(row.records), right: true },
                  { head: 'Size', cell: (row) => bytes(row.bytes), right: true },
                ]}
              />
            </Panel>
            <Panel title="Readers" flush>
              {facts.readers.length === 0 ? (
                <Empty title="Nobody reads it">
                  <p>A table with `from: {name}` would.</p>
                </Empty>
              ) : (
                <Table
                  caption="Readers"
                  rows={facts.readers}
                  keyOf={(row) => `${row.reader} ${row.partition}`}
                  columns={[
                    { head: 'Reader', cell: (row) => row.reader },
                    { head: 'Partition', cell: (row) => row.partition, right: true },
                    { head: 'Next offset', cell: (row) => number(row.next_offset), right: true },
                    { head: 'Behind by', cell: (row) => number(row.lag), right: true },
                  ]}
                />
              )}
            </Panel>
          </div>
        </>
      )}
    </Page>
  )
}

/** Of the tables that read it, since the page was opened. */
function Unread(props: { topic: string }) {
  useStore(live)
  const flow = useLoad((signal) => get<{ tables: { name: string; from: string }[] }>('/api/v1/flow', signal), 'flow')
  const readers = flow.data?.tables.filter((table) => table.from === props.topic && unread.of.has(table.name)).map((table) => table.name) ?? []
  const turn = Math.floor((unread.at.at(-1) ?? 0) / 3) // a chart that is drawn anew each second cannot be read
  const data = useMemo(
    (): ChartData => ({
      x: [...unread.at],
      time: true,
      bars: false,
      series: readers.map((name) => ({ name, values: [...unread.of.get(name)!] })),
      along: 'time',
      label: `Records of ${props.topic} that ${readers.join(', ')} had not read, over time`,
    }),
    [props.topic, turn, readers.join()],
  )
  if (readers.length === 0 || data.x.length < 2) return null
  return (
    <Panel title="Not read yet, over time" note="Records, by table, in the last quarter of an hour">
      <Chart data={data} />
    </Panel>
  )
}

type From = 'newest' | 'oldest' | 'offset' | 'time'
const FROM: [From, string][] = [
  ['newest', 'The newest'],
  ['oldest', 'The oldest'],
  ['offset', 'An offset'],
  ['time', 'A time'],
]

type By = 'text' | 'where'
const BY: [By, string][] = [
  ['text', 'Text or path'],
  ['where', 'SQL condition'],
]
const HINTS: Record<By, string> = {
  text: 'text, or a path of the value: user.id = 7',
  where: "amount > 100 AND user.country = 'AT'",
}

/** "user.id = 7" asks for what stands at a path of the value; any other text is looked for in key and value. */
function filterOf(text: string): Record<string, string> {
  const match = /^\s*\$?\.?([A-Za-z_][\w.-]*)\s*=\s*(.*?)\s*$/.exec(text)
  if (match) return { path: match[1]!, equals: match[2]!.replace(/^(["'])(.*)\1$/, '$2') }
  return text ? { contains: text } : {}
}

function Messages(props: { name: string; partitions: number[] }) {
  const [from, setFrom] = useState<From>('newest')
  const [at, setAt] = useState('')
  const [partition, setPartition] = useState('')
  const [by, setBy] = useState<By>('text')
  const [filter, setFilter] = useState('')
  const [pages, setPages] = useState<string[]>([])
  const [asked, ask] = useState('limit=50')
  const [chosen, choose] = useState<string | null>(null)
  const path = `/api/v1/topics/${segment(props.name)}/records?${asked}`
  const look = useLoad((signal) => get<Look>(path, signal), path)

  const start = () => {
    const query = new URLSearchParams({ limit: '50', ...(by === 'text' ? filterOf(filter) : filter.trim() ? { where: filter } : {}) })
    if (partition) query.set('partition', partition)
    if (from === 'oldest') query.set('offset', '0')
    if (from === 'offset') query.set('offset', at || '0')
    if (from === 'time' && at) query.set('time', new Date(at).toISOString())
    setPages([])
    choose(null)
    if (query.toString() === asked) look.reload()
    else ask(query.toString())
  }
  const next = () => {
    const query = new URLSearchParams(asked)
    query.delete('offset')
    query.delete('time')
    query.set('positions', Object.entries(look.data!.next).map(([p, o]) => `${p}:${o}`).join(','))
    setPages([...pages, asked])
    choose(null)
    ask(query.toString())
  }
  const records = look.data?.records ?? []
  const open = records.find((record) => `${record.partition}:${record.offset}` === chosen)
  const forward = asked.includes('offset=') || asked.includes('time=') || asked.includes('positions=')
  return (
    <Panel
      title="Messages"
      flush
      note={look.data && `${records.length} shown · ${short(look.data.scanned)} looked at${look.data.complete ? '' : ' · more to look at'}`}
      actions={
        forward && (
          <>
            <button type="button" disabled={pages.length === 0} onClick={() => (ask(pages.at(-1)!), setPages(pages.slice(0, -1)), choose(null))}>
              Earlier
            </button>
            <button type="button" disabled={records.length === 0 && (look.data?.complete ?? true)} onClick={next}>
              Later
            </button>
          </>
        )
      }
    >
      <form class="form bar no-top" onSubmit={(e) => (e.preventDefault(), start())}>
        <Choice label="Begin with" value={from} set={(value) => (setFrom(value as From), setAt(''))} options={FROM} />
        {from === 'offset' && <Input label="Offset" type="number" min="0" value={at} set={setAt} />}
        {from === 'time' && <Input label="Time" type="datetime-local" step="1" value={at} set={setAt} />}
        {props.partitions.length > 1 && <Choice label="Partition" value={partition} set={setPartition} options={[['', 'All'], ...props.partitions.map((p): [string, string] => [String(p), String(p)])]} />}
        <Choice label="Filter by" value={by} set={(value) => setBy(value as By)} options={BY} />
        <Input label="Filter" grow value={filter} set={setFilter} placeholder={HINTS[by]} />
        <button type="submit">Look</button>
      </form>
      <Pending of={look} />
      {look.data?.failed !== undefined && (
        <p class="note bar no-top" role="status">
          {number(look.data.failed)} {look.data.failed === 1 ? 'message' : 'messages'} could not be asked, such as: {look.data.failure}
        </p>
      )}
      {look.data && records.length === 0 && (
        <Empty title="No message">
          <p>{/(^|&)(contains|path|where)=/.test(asked) ? 'None of those that were looked at meets the filter.' : 'Nothing has come yet. Send one below, or start a source.'}</p>
        </Empty>
      )}
      {records.length > 0 && (
        <div class={open ? 'with-detail' : ''}>
          <Table
            caption="Messages"
            rows={records}
            keyOf={(record) => `${record.partition}:${record.offset}`}
            chosen={chosen}
            choose={(record) => choose(chosen === `${record.partition}:${record.offset}` ? null : `${record.partition}:${record.offset}`)}
            columns={[
              { head: 'Offset', cell: (record) => (props.partitions.length > 1 ? `${record.partition} : ${record.offset}` : record.offset) },
              { head: 'Time', cell: (record) => <span title={record.time}>{moment(record.time)}</span> },
              { head: 'Key', cell: (record) => (record.key === null ? <span class="null">none</span> : <span class="clip mono">{record.key}</span>) },
              { head: 'Value', cell: (record) => <span class="clip mono">{record.value.slice(0, 200)}</span> },
              { head: 'Size', cell: (record) => bytes(record.bytes), right: true },
            ]}
          />
          {open && (
            <div class="detail">
              <dl class="facts">
                <dt>Place</dt>
                <dd>
                  partition {open.partition}, offset {open.offset}
                </dd>
                <dt>Time</dt>
                <dd>
                  {open.time} ({ago(open.time)})
                </dd>
                <dt>Key</dt>
                <dd class="mono">{open.key ?? 'none'}</dd>
                {open.headers.map((header, index) => (
                  <Fragment key={index}>
                    <dt>Header {header.key}</dt>
                    <dd class="mono">{header.value ?? header.value_base64 ?? 'no value'}</dd>
                  </Fragment>
                ))}
              </dl>
              <Json text={open.value} label="Value" />
              {open.bytes > new TextEncoder().encode(open.value).length && <p class="note">Only its beginning is shown: it has {bytes(open.bytes)}.</p>}
            </div>
          )}
        </div>
      )}
    </Panel>
  )
}

function Produce(props: { name: string }) {
  const [open, setOpen] = useState(false)
  const [key, setKey] = useState('')
  const [value, setValue] = useState('{\n  "id": 1\n}')
  const [problem, setProblem] = useState<string | null>(null)
  const run = async () => {
    const sent = await post<{ partition: number | null; offset: number | null }>(`/api/v1/topics/${segment(props.name)}/records`, { key, value: oneLine(value) })
    setProblem(null)
    return sent.partition === null ? 'Sent.' : `Sent: partition ${sent.partition}, offset ${sent.offset}.`
  }
  return (
    <Panel
      title="Send a message"
      actions={
        <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? 'Close' : 'Write one'}
        </button>
      }
      flush={!open}
    >
      {open && (
        <>
          <Input label="Key" value={key} set={setKey} placeholder="none" />
          <Field label="Value" hint="JSON goes in one line; any other text goes as it is.">
            {(id) => <textarea id={id} value={value} onInput={(e) => setValue(e.currentTarget.value)} spellcheck={false} />}
          </Field>
          <Problem text={problem} />
          <div class="actions">
            <Action label="Send" primary run={run} told={(text, failed) => (failed ? setProblem(text) : tell(text, false))} />
          </div>
        </>
      )}
    </Panel>
  )
}

export function oneLine(text: string): string {
  try {
    return /[0-9]{16,}/.test(text) ? text.replace(/\s*\n\s*/g, ' ') : JSON.stringify(JSON.parse(text))
  } catch {
    return text
  }
}
