import { useEffect, useState } from 'preact/hooks'
import { get } from '../api'
import { moment } from '../format'
import { Badge, Choice, Empty, Input, Page, Panel, Problem, Table } from '../ui'

interface Line {
  number: number
  at: string
  level: 'debug' | 'info' | 'warning' | 'error'
  text: string
}
const KEPT = 1000
const EVERY = 2000

/** What is new is asked for; what was there before stays. */
function useLines() {
  const [lines, set] = useState<Line[]>([])
  const [error, setError] = useState<string | null>(null)
  const [asked, setAsked] = useState(false)
  useEffect(() => {
    const stop = new AbortController()
    let after = 0
    let timer = 0
    const ask = async () => {
      try {
        const fresh = await get<Line[]>(`/api/v1/logs?after=${after}`, stop.signal)
        after = fresh.at(-1)?.number ?? after
        if (fresh.length) set((old) => [...old, ...fresh].slice(-KEPT))
        setError(null)
        setAsked(true)
      } catch (failure) {
        if (!stop.signal.aborted) setError((failure as Error).message)
      }
      if (!stop.signal.aborted) timer = window.setTimeout(ask, EVERY)
    }
    void ask()
    return () => {
      stop.abort()
      clearTimeout(timer)
    }
  }, [])
  return { lines, error, asked }
}

export function Logs() {
  const { lines, error, asked } = useLines()
  const [least, setLeast] = useState('all')
  const [text, setText] = useState('')
  const shown = lines.filter((line) => (least === 'all' || line.level === 'warning' || line.level === 'error') && line.text.toLowerCase().includes(text.toLowerCase()))
  return (
    <Page title="Logs" lead="What the process said lately, the newest first. Secrets are never in it.">
      <div class="form">
        <Choice
          label="Shown"
          value={least}
          set={setLeast}
          options={[
            ['all', 'Everything'],
            ['warning', 'Warnings and errors'],
          ]}
        />
        <Input label="With the words" value={text} set={setText} grow />
      </div>
      <Problem text={error} />
      {asked && shown.length === 0 && <Empty title={lines.length ? 'No line is like that' : 'Nothing was said yet'} />}
      {shown.length > 0 && (
        <Panel flush>
          <Table
            caption="Lines of the log"
            rows={shown.toReversed()}
            keyOf={(line) => String(line.number)}
            columns={[
              { head: 'Time', cell: (line) => <span title={line.at}>{moment(line.at)}</span> },
              { head: 'Level', cell: (line) => <Badge tone={line.level === 'error' ? 'bad' : line.level === 'warning' ? 'warn' : 'idle'}>{line.level}</Badge> },
              { head: 'Line', cell: (line) => <span class="log-line">{line.text}</span>, wide: true },
            ]}
          />
        </Panel>
      )}
    </Page>
  )
}
