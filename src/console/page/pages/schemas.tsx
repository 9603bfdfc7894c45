import { useState } from 'preact/hooks'
import { get, may, post, segment, session } from '../api'
import { diff } from '../diff'
import { pretty } from '../format'
import { route, to } from '../route'
import { useStore } from '../store'
import { Action, Badge, Choice, Empty, Field, Json, Page, Panel, Pending, Problem, Table, useLoad } from '../ui'

interface Version {
  subject: string
  version: number
  id: number
  schema: string
  schemaType?: string
}

export function Schemas() {
  const subject = useStore(route).path[1]
  return subject === undefined ? <SubjectList /> : <Subject key={subject} name={subject} />
}

function SubjectList() {
  const served = session.value?.parts.schemas ?? false
  const found = useLoad(async (signal) => (served ? get<string[]>('/subjects', signal) : []), 'subjects', 10_000)
  const list = found.data
  return (
    <Page title="Schemas" lead="What messages are agreed to look like: Avro, JSON Schema or Protobuf, by subject and version.">
      <Pending of={found} />
      {!served && (
        <Empty title="The registry is elsewhere">
          <p>This pipeline asks the registry that `schema_registry` names, and serves none itself.</p>
        </Empty>
      )}
      {served && list?.length === 0 && (
        <Empty title="No schema is registered yet">
          <p>A producer registers one, or `millrace produce --topic orders --schema-path order.avsc` does, or any client of Confluent’s registry at this address.</p>
        </Empty>
      )}
      {list && list.length > 0 && (
        <Panel flush>
          <Table
            caption="Subjects"
            rows={list}
            keyOf={(subject) => subject}
            columns={[
              { head: 'Subject', cell: (subject) => <a href={to('schemas', subject)}>{subject}</a> },
              { head: 'Of', cell: (subject) => (subject.endsWith('-key') ? 'keys' : subject.endsWith('-value') ? 'values' : '') },
            ]}
          />
        </Panel>
      )}
    </Page>
  )
}

async function compatibilityOf(subject: string, signal: AbortSignal): Promise<string> {
  return (await get<{ compatibilityLevel: string }>(`/config/${segment(subject)}?defaultToGlobal=true`, signal)).compatibilityLevel
}

/** "BACKWARD_TRANSITIVE" in a sentence. */
const levelWords = (level: string) => (level === 'NONE' ? 'A new version may be anything.' : `A new version has to be ${level.toLowerCase().replaceAll('_', ' ')} compatible.`)

function Subject(props: { name: string }) {
  const { name } = props
  const path = `/subjects/${segment(name)}/versions`
  const found = useLoad(
    async (signal) => {
      const numbers = await get<number[]>(path, signal)
      const versions = await Promise.all(numbers.slice(-50).map((version) => get<Version>(`${path}/${version}`, signal)))
      return { versions: versions.reverse(), level: await compatibilityOf(name, signal) }
    },
    path,
  )
  const versions = found.data?.versions ?? []
  const [shown, show] = useState<string | null>(null)
  const [against, setAgainst] = useState('')
  const version = versions.find((each) => String(each.version) === shown) ?? versions[0]
  const other = versions.find((each) => String(each.version) === against)
  return (
    <Page title={name} back={[to('schemas'), 'Schemas']} lead={found.data ? levelWords(found.data.level) : undefined}>
      <Pending of={found} />
      {version && (
        <>
          <Panel
            title="Schema"
            note={
              <>
                version {version.version} <Badge tone="info">{version.schemaType ?? 'AVRO'}</Badge> id {version.id}
              </>
            }
          >
            <div class="form">
              <Choice label="Version" value={String(version.version)} set={show} options={versions.map((each): [string, string] => [String(each.version), String(each.version)])} />
              {versions.length > 1 && (
                <Choice
                  label="Against"
                  value={against}
                  set={setAgainst}
                  options={[['', 'nothing'], ...versions.filter((each) => each !== version).map((each): [string, string] => [String(each.version), `version ${each.version}`])]}
                />
              )}
            </div>
            {other && other !== version ? (
              <pre class="code" tabIndex={0} role="region" aria-label="What differs">
                {diff(pretty(other.schema), pretty(version.schema)).map((line, i) => (
                  <span key={i} class={line.kind}>
                    {line.kind === 'plus' ? '+ ' : line.kind === 'minus' ? '- ' : '  '}
                    {line.text}
                  </span>
                ))}
              </pre>
            ) : (
              <Json text={version.schema} label="Schema" />
            )}
          </Panel>
          <Check name={name} latest={versions[0]!} reload={found.reload} />
        </>
      )}
    </Page>
  )
}

/** Whether a text would be taken as the next version, and, for who may, that it becomes it. */
function Check(props: { name: string; latest: Version; reload: () => void }) {
  const [text, setText] = useState(pretty(props.latest.schema))
  const [answer, setAnswer] = useState<{ is_compatible: boolean; messages?: string[] } | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  const body = () => ({ schema: text, schemaType: props.latest.schemaType ?? 'AVRO' })
  const told = (said: string, failed: boolean) => {
    setProblem(failed ? said : null)
    if (failed) setAnswer(null)
  }
  const check = async () => {
    setProblem(null)
    setAnswer(await post(`/compatibility/subjects/${segment(props.name)}/versions/latest?verbose=true`, body()))
  }
  const register = async () => {
    await post(`/subjects/${segment(props.name)}/versions`, body())
    setAnswer(null)
    props.reload()
    return 'Registered.'
  }
  return (
    <Panel title="Another version">
      <Field label="Schema" hint="Changed as you mean to; nothing is stored by checking it.">
        {(id) => <textarea id={id} value={text} onInput={(e) => (setText(e.currentTarget.value), setAnswer(null))} spellcheck={false} />}
      </Field>
      <Problem text={problem} />
      {answer && (
        <div role="status">
          <Badge tone={answer.is_compatible ? 'good' : 'bad'}>{answer.is_compatible ? 'compatible' : 'not compatible'}</Badge>
          <ul class="reasons">
            {answer.messages?.map((message) => (
              <li key={message}>{message}</li>
            ))}
          </ul>
        </div>
      )}
      <div class="actions">
        <Action label="Check compatibility" run={check} told={told} />
        {may('operate') && <Action label="Register" primary disabled={!answer?.is_compatible} run={register} />}
      </div>
    </Panel>
  )
}
