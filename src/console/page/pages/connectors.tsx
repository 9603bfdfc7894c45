import { useState } from 'preact/hooks'
import { get, may, post, segment, send, session } from '../api'
import { number } from '../format'
import { route, to } from '../route'
import { useStore } from '../store'
import { Action, Badge, Choice, Empty, Field, Input, Page, Panel, Pending, Problem, Stat, Stats, Table, tell, type Tone, useLoad } from '../ui'

// Kafka Connect's REST API, as its documentation has it.
interface State {
  state: string
  worker_id: string
  trace?: string
}
interface Connector {
  info: { name: string; config: Record<string, string>; type: string }
  status: { connector: State; tasks: (State & { id: number })[]; type: string }
}
interface Plugin {
  class: string
  type: string
  version: string
}
interface Option {
  definition: { name: string; type: string; required: boolean; default_value: string | null; importance: string; documentation: string; group: string | null; display_name: string }
  value: { value: string | null; recommended_values: string[]; errors: string[]; visible: boolean }
}
interface Validation {
  error_count: number
  configs: Option[]
}

const toneOf = (state: string): Tone => (state === 'RUNNING' ? 'good' : state === 'FAILED' ? 'bad' : state === 'PAUSED' || state === 'STOPPED' ? 'warn' : 'idle')
const StateBadge = (props: { state: string }) => <Badge tone={toneOf(props.state)}>{props.state.toLowerCase()}</Badge>

export function Connectors() {
  const [, name] = useStore(route).path
  if (!session.value?.parts.connectors) {
    return (
      <Page title="Connectors">
        <Empty title="This server takes no connectors">
          <p>
            Sources and tables of this pipeline stand in its configuration: <a href={to()}>the overview</a> shows them. A server with Kafka Connect’s routes (/connectors) lists and makes them here.
          </p>
        </Empty>
      </Page>
    )
  }
  if (name === 'new') return <Create />
  return name === undefined ? <ConnectorList /> : <OneConnector key={name} name={name} />
}

const all = (signal: AbortSignal) => get<Record<string, Connector>>('/connectors?expand=status&expand=info', signal)

function ConnectorList() {
  const found = useLoad(all, 'connectors', 4000)
  const rows = Object.entries(found.data ?? {})
  return (
    <Page
      title="Connectors"
      lead="What brings events in and takes them out, made and changed while the pipeline runs."
      actions={
        may('operate') && (
          <a class="button" href={to('connectors', 'new')}>
            Make a connector
          </a>
        )
      }
    >
      <Pending of={found} />
      {found.data && rows.length === 0 && (
        <Empty title="There are no connectors yet">
          <p>{may('operate') ? 'Make one here, or send one to /connectors as to Kafka Connect.' : 'Somebody whose token has the role `operate` can make one.'}</p>
        </Empty>
      )}
      {rows.length > 0 && (
        <Panel flush>
          <Table
            caption="Connectors"
            rows={rows}
            keyOf={([name]) => name}
            columns={[
              { head: 'Connector', cell: ([name]) => <a href={to('connectors', name)}>{name}</a> },
              { head: 'State', cell: ([, connector]) => <StateBadge state={connector.status.connector.state} /> },
              { head: 'Kind', cell: ([, connector]) => connector.status.type },
              { head: 'Class', cell: ([, connector]) => <span class="mono">{connector.info.config['connector.class'] ?? ''}</span> },
              { head: 'Tasks', cell: ([, connector]) => tasksOf(connector), right: true },
              { head: 'Why', cell: ([, connector]) => traceOf(connector).split('\n')[0] ?? '', wide: true },
            ]}
          />
        </Panel>
      )}
    </Page>
  )
}

function tasksOf(connector: Connector): string {
  const { tasks } = connector.status
  const running = tasks.filter((task) => task.state === 'RUNNING').length
  return running === tasks.length ? number(tasks.length) : `${running} of ${tasks.length} run`
}

const traceOf = (connector: Connector) => connector.status.connector.trace ?? connector.status.tasks.find((task) => task.trace)?.trace ?? ''

function OneConnector(props: { name: string }) {
  const { name } = props
  const path = `/connectors/${segment(name)}`
  const found = useLoad(async (signal) => (await all(signal))[name] ?? null, path, 3000)
  const connector = found.data
  const order = (method: string, what: string, said: string) => async () => {
    await send(`${path}${what}`, { method })
    found.reload()
    return said
  }
  const remove = async () => {
    if (!confirm(`Delete the connector ${name}? What it has brought stays.`)) return
    await send(path, { method: 'DELETE' })
    location.hash = to('connectors')
    return `${name} is deleted.`
  }
  const state = connector?.status.connector.state
  return (
    <Page
      title={name}
      back={[to('connectors'), 'Connectors']}
      actions={
        connector &&
        may('operate') && (
          <>
            {state === 'PAUSED' || state === 'STOPPED' ? <Action label="Resume" primary run={order('PUT', '/resume', 'It goes on.')} /> : <Action label="Pause" run={order('PUT', '/pause', 'It pauses.')} />}
            <Action label="Restart" run={order('POST', '/restart?includeTasks=true&onlyFailed=false', 'It starts again.')} />
            <Action label="Delete" danger run={remove} />
          </>
        )
      }
    >
      <Problem text={found.error} />
      {connector && (
        <>
          <Stats>
            <Stat label="State" value={<StateBadge state={connector.status.connector.state} />} />
            <Stat label="Kind" value={connector.status.type} />
            <Stat label="Tasks" value={tasksOf(connector)} />
          </Stats>
          {traceOf(connector) && (
            <Panel title="Why it failed">
              <pre class="code" tabIndex={0} role="region" aria-label="The reason">
                {traceOf(connector)}
              </pre>
            </Panel>
          )}
          <div class="columns">
            <Panel title="Configuration">
              <dl class="facts">
                {Object.entries(connector.info.config).map(([option, value]) => (
                  <>
                    <dt class="mono">{option}</dt>
                    <dd class="mono">{value}</dd>
                  </>
                ))}
              </dl>
            </Panel>
            <Panel title="Tasks" flush>
              <Table
                caption="Tasks"
                rows={connector.status.tasks}
                keyOf={(task) => String(task.id)}
                columns={[
                  { head: 'Task', cell: (task) => task.id },
                  { head: 'State', cell: (task) => <StateBadge state={task.state} /> },
                  { head: 'Worker', cell: (task) => task.worker_id },
                ]}
              />
            </Panel>
          </div>
        </>
      )}
    </Page>
  )
}

/** Options that the form of every connector has by itself. */
const OWN = ['name', 'connector.class']

async function declarations(plugin: string, config: Record<string, string>): Promise<Validation> {
  const response = await send(`/connector-plugins/${segment(plugin)}/config/validate`, {
    method: 'PUT',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ ...config, 'connector.class': plugin }),
  })
  return response.json() as Promise<Validation>
}

function Create() {
  const plugins = useLoad((signal) => get<Plugin[]>('/connector-plugins', signal), 'plugins')
  const [chosen, choose] = useState('')
  const plugin = chosen || (plugins.data?.[0]?.class ?? '')
  const options = useLoad(async () => (plugin ? declarations(plugin, { name: 'new' }) : null), plugin)
  return (
    <Page title="Make a connector" back={[to('connectors'), 'Connectors']}>
      <Pending of={plugins} />
      {plugins.data && (
        <div class="form">
          <Choice label="Class" value={plugin} set={choose} options={plugins.data.map((each): [string, string] => [each.class, `${each.class} (${each.type})`])} />
        </div>
      )}
      <Problem text={options.error} />
      {options.data && <Form key={plugin} plugin={plugin} options={options.data.configs.filter((option) => !OWN.includes(option.definition.name) && option.value.visible !== false)} />}
    </Page>
  )
}

function Form(props: { plugin: string; options: Option[] }) {
  const [name, setName] = useState('')
  const [values, setValues] = useState<Record<string, string>>({})
  const [errors, setErrors] = useState<Record<string, string[]>>({})
  const [problem, setProblem] = useState<string | null>(null)
  const [more, showMore] = useState(false)
  const config = () => ({ ...Object.fromEntries(Object.entries(values).filter(([, value]) => value !== '')), name, 'connector.class': props.plugin })
  const create = async () => {
    setProblem(null)
    const checked = await declarations(props.plugin, config())
    setErrors(Object.fromEntries(checked.configs.map((option) => [option.definition.name, option.value.errors])))
    if (checked.error_count > 0) throw new Error('Some options are not as they have to be; it says so beside them.')
    await post('/connectors', { name, config: config() })
    location.hash = to('connectors', name)
    return `${name} is made.`
  }
  const first = (option: Option) => option.definition.required || option.definition.importance === 'HIGH' || (errors[option.definition.name]?.length ?? 0) > 0
  const shown = props.options.filter((option) => more || first(option))
  return (
    <Panel title="Options" actions={props.options.some((option) => !first(option)) && <button type="button" aria-expanded={more} onClick={() => showMore(!more)}>{more ? 'The important ones' : 'All options'}</button>}>
      <div class="options">
        <Input label="Name" value={name} set={setName} required />
        {shown.map((option) => (
          <OptionField key={option.definition.name} option={option} value={values[option.definition.name] ?? ''} set={(value) => (setValues({ ...values, [option.definition.name]: value }), setErrors({ ...errors, [option.definition.name]: [] }))} errors={errors[option.definition.name] ?? []} />
        ))}
      </div>
      <Problem text={problem} />
      <div class="actions">
        <Action label="Make it" primary disabled={!name} run={create} told={(said, failed) => (failed ? setProblem(said) : tell(said, false))} />
      </div>
    </Panel>
  )
}

function OptionField(props: { option: Option; value: string; set: (value: string) => void; errors: string[] }) {
  const { definition, value } = props.option
  const label = `${definition.display_name || definition.name}${definition.required ? ' (required)' : ''}`
  const words = definition.type === 'BOOLEAN' ? ['true', 'false'] : value.recommended_values
  return (
    <div>
      {words.length > 0 ? (
        <Choice label={label} value={props.value} set={props.set} options={[['', definition.default_value ?? 'not set'], ...words.map((word): [string, string] => [word, word])]} />
      ) : (
        <Field label={label} hint={definition.documentation}>
          {(id) => (
            <input
              id={id}
              type={definition.type === 'PASSWORD' ? 'password' : 'text'}
              value={props.value}
              placeholder={definition.default_value ?? ''}
              onInput={(e) => props.set(e.currentTarget.value)}
              autocomplete="off"
              spellcheck={false}
            />
          )}
        </Field>
      )}
      {props.errors.length > 0 && <Problem text={props.errors.join('\n')} />}
    </div>
  )
}
