import type { ComponentChildren, JSX } from 'preact'
import { useCallback, useEffect, useId, useRef, useState } from 'preact/hooks'
import { pretty } from './format'
import { route } from './route'

export interface Loaded<T> {
  data: T | null
  error: string | null
  reload: () => void
}

/** What `load` answers, again when `what` changes, and every so many milliseconds when that is given. */
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, what: string, every = 0): Loaded<T> {
  const [state, set] = useState<{ data: T | null; error: string | null; of: string }>({ data: null, error: null, of: what })
  const [turn, again] = useState(0)
  useEffect(() => {
    const stop = new AbortController()
    let timer = 0
    const run = async () => {
      try {
        const data = await load(stop.signal)
        if (!stop.signal.aborted) set({ data, error: null, of: what })
      } catch (failure) {
        if (!stop.signal.aborted) set((old) => ({ data: old.of === what ? old.data : null, error: (failure as Error).message, of: what }))
      }
      if (every > 0 && !stop.signal.aborted) timer = window.setTimeout(run, every)
    }
    void run()
    return () => {
      stop.abort()
      clearTimeout(timer)
    }
  }, [what, turn, every])
  const reload = useCallback(() => again((n) => n + 1), [])
  return state.of === what ? { data: state.data, error: state.error, reload } : { data: null, error: null, reload }
}

export function Page(props: { title: string; lead?: ComponentChildren; actions?: ComponentChildren; back?: [string, string]; children: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${props.title} · Millrace`
    // Who listens to the page hears where they are.
    heading.current?.focus({ preventScroll: true })
  }, [props.title])
  return (
    <div class="page">
      <header class="page-head">
        <div>
          {props.back && (
            <a class="back" href={props.back[0]}>
              {props.back[1]}
            </a>
          )}
          <h1 ref={heading} tabIndex={-1}>
            {props.title}
          </h1>
          {props.lead && <p class="lead">{props.lead}</p>}
        </div>
        {props.actions && <div class="actions">{props.actions}</div>}
      </header>
      {props.children}
    </div>
  )
}

export function Panel(props: { title?: string; note?: ComponentChildren; actions?: ComponentChildren; flush?: boolean; children: ComponentChildren }) {
  const id = useId()
  return (
    <section class="panel" aria-labelledby={props.title ? id : undefined}>
      {(props.title || props.actions) && (
        <header class="panel-head">
          <h2 id={id}>{props.title}</h2>
          {props.note && <span class="note">{props.note}</span>}
          {props.actions && <div class="actions">{props.actions}</div>}
        </header>
      )}
      <div class={props.flush ? 'panel-flush' : 'panel-body'}>{props.children}</div>
    </section>
  )
}

/** Of nothing: what it would be, and what to do so that it is. */
export function Empty(props: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{props.title}</p>
      {props.children}
    </div>
  )
}

export function Problem(props: { text: string | null }) {
  return props.text ? (
    <p class="problem" role="alert">
      {props.text}
    </p>
  ) : null
}

/** The state of a load while there is nothing to show yet. */
export function Pending(props: { of: Loaded<unknown> }) {
  if (props.of.error) return <Problem text={props.of.error} />
  return props.of.data === null ? (
    <p class="pending" role="status">
      Loading…
    </p>
  ) : null
}

export type Tone = 'good' | 'warn' | 'bad' | 'idle' | 'info'
export function Badge(props: { tone: Tone; children: ComponentChildren }) {
  return (
    <span class={`badge ${props.tone}`}>
      <i aria-hidden="true" />
      {props.children}
    </span>
  )
}

export function Stats(props: { children: ComponentChildren }) {
  return <dl class="stats">{props.children}</dl>
}
export function Stat(props: { label: string; value: ComponentChildren; note?: ComponentChildren; tone?: Tone }) {
  return (
    <div class={`stat ${props.tone ?? ''}`}>
      <dt>{props.label}</dt>
      <dd>
        {props.value}
        {props.note && <small>{props.note}</small>}
      </dd>
    </div>
  )
}

export interface Column<T> {
  head: string
  cell: (row: T) => ComponentChildren
  right?: boolean
  wide?: boolean
}

/** Rows are chosen with the pointer or by the button that `choose` makes of the first cell. */
export function Table<T>(props: {
  caption: string
  columns: Column<T>[]
  rows: T[]
  keyOf: (row: T) => string
  chosen?: string | null
  choose?: (row: T) => void
}) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={props.caption}>
      <table>
        <caption class="unseen">{props.caption}</caption>
        <thead>
          <tr>
            {props.columns.map((column) => (
              <th scope="col" class={column.right ? 'right' : ''} key={column.head}>
                {column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {props.rows.map((row) => {
            const key = props.keyOf(row)
            const choose = props.choose && (() => props.choose!(row))
            return (
              <tr key={key} class={`${choose ? 'choose' : ''} ${props.chosen === key ? 'chosen' : ''}`} onClick={choose}>
                {props.columns.map((column, i) => (
                  <td key={column.head} class={`${column.right ? 'right' : ''} ${column.wide ? 'wide' : ''}`}>
                    {choose && i === 0 ? (
                      <button type="button" class="plain" aria-pressed={props.chosen === key}>
                        {column.cell(row)}
                      </button>
                    ) : (
                      column.cell(row)
                    )}
                  </td>
                ))}
              </tr>
            )
          })}
        </tbody>
      </table>
    </div>
  )
}

export function Field(props: { label: string; hint?: string; children: (id: string) => ComponentChildren; grow?: boolean }) {
  const id = useId()
  return (
    <div class={`field ${props.grow ? 'grow' : ''}`}>
      <label for={id}>{props.label}</label>
      {props.children(id)}
      {props.hint && <small>{props.hint}</small>}
    </div>
  )
}

type InputProps = Omit<JSX.InputHTMLAttributes<HTMLInputElement>, 'onInput' | 'value' | 'label'> & { label: string; value: string; set: (value: string) => void; hint?: string; grow?: boolean }
export function Input({ label, value, set, hint, grow, ...rest }: InputProps) {
  return (
    <Field label={label} hint={hint} grow={grow}>
      {(id) => <input id={id} value={value} onInput={(e) => set(e.currentTarget.value)} autocomplete="off" spellcheck={false} {...rest} />}
    </Field>
  )
}

export function Choice(props: { label: string; value: string; set: (value: string) => void; options: [string, string][] }) {
  return (
    <Field label={props.label}>
      {(id) => (
        <select id={id} value={props.value} onChange={(e) => props.set(e.currentTarget.value)}>
          {props.options.map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  )
}

/** A button for what changes something: it says what came of it, and is not pressed twice. */
export function Action(props: { label: string; run: () => Promise<string | void>; primary?: boolean; danger?: boolean; disabled?: boolean; told?: (text: string, failed: boolean) => void }) {
  const [busy, setBusy] = useState(false)
  const press = async () => {
    setBusy(true)
    try {
      const said = await props.run()
      if (said) (props.told ?? tell)(said, false)
    } catch (failure) {
      ;(props.told ?? tell)((failure as Error).message, true)
    }
    setBusy(false)
  }
  return (
    <button type="button" class={props.primary ? 'primary' : props.danger ? 'danger' : ''} disabled={busy || props.disabled} aria-busy={busy} onClick={press}>
      {props.label}
    </button>
  )
}

export function Tabs<T extends string>(props: { label: string; tabs: [T, string][]; value: T; set: (tab: T) => void }) {
  return (
    <div class="tabs" role="group" aria-label={props.label}>
      {props.tabs.map(([tab, text]) => (
        <button type="button" key={tab} class="tab" aria-pressed={tab === props.value} onClick={() => props.set(tab)}>
          {text}
        </button>
      ))}
    </div>
  )
}

const TOKENS = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null)\b|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/g
/** JSON with its parts told apart; any other text as it is. */
export function Json(props: { text: string; label: string }) {
  const text = pretty(props.text)
  const parts: ComponentChildren[] = []
  let at = 0
  if (/^\s*[[{]/.test(text)) {
    for (const match of text.matchAll(TOKENS)) {
      parts.push(text.slice(at, match.index))
      const [all, string, colon, word] = match
      const kind = string ? (colon ? 'j-name' : 'j-text') : word ? 'j-word' : 'j-number'
      parts.push(<span class={kind}>{string ?? all}</span>, colon ?? '')
      at = match.index + all.length
    }
  }
  parts.push(text.slice(at))
  return (
    <pre class="code" tabIndex={0} aria-label={props.label} role="region">
      {parts}
    </pre>
  )
}

// ---- What was done, said at the foot of the page

let speak: (text: string, failed: boolean) => void = () => undefined
export const tell = (text: string, failed: boolean) => speak(text, failed)

export function Telling() {
  const [said, say] = useState<{ text: string; failed: boolean } | null>(null)
  speak = (text, failed) => say({ text, failed })
  // Of another page it says nothing.
  useEffect(() => route.subscribe(() => say((old) => (old?.failed ? null : old))), [])
  useEffect(() => {
    if (!said || said.failed) return
    const timer = setTimeout(() => say(null), 6000)
    return () => clearTimeout(timer)
  }, [said])
  return (
    <div class="telling" role="status" aria-live="polite">
      {said && (
        <div class={said.failed ? 'told failed' : 'told'}>
          <span>{said.text}</span>
          <button type="button" class="plain" onClick={() => say(null)} aria-label="Dismiss">
            ×
          </button>
        </div>
      )}
    </div>
  )
}

/** The last minute of a rate, for the eye; the number stands beside it. */
export function Spark(props: { values: number[] }) {
  const values = props.values
  const most = Math.max(...values, 1)
  const points = values.map((value, i) => `${(i / (values.length - 1)) * 100},${23 - (value / most) * 21}`).join(' ')
  return (
    <svg class="spark" viewBox="0 0 100 24" preserveAspectRatio="none" aria-hidden="true">
      {values.length > 1 && <polyline points={points} />}
    </svg>
  )
}
