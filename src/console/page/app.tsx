import type { FunctionComponent } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { refreshSession, type Role, session, showToken } from './api'
import { follow, live } from './live'
import { Logs } from './pages/logs'
import { Connectors } from './pages/connectors'
import { Models } from './pages/models'
import { Overview } from './pages/overview'
import { Quarantine } from './pages/quarantine'
import { Query } from './pages/query'
import { Schemas } from './pages/schemas'
import { Tables } from './pages/tables'
import { Topics } from './pages/topics'
import { route, to } from './route'
import { useStore } from './store'
import { setTheme, type Theme, theme } from './theme'
import { Empty, Input, Page, Problem, Telling } from './ui'

interface Place {
  path: string
  title: string
  icon: string
  role: Role
  page: FunctionComponent
}
const PLACES: Place[] = [
  { path: '', title: 'Overview', icon: 'M3 12h4l3-7 4 14 3-7h4', role: 'read', page: Overview },
  { path: 'topics', title: 'Topics', icon: 'M4 6h16M4 12h16M4 18h10', role: 'read', page: Topics },
  { path: 'tables', title: 'Tables', icon: 'M4 5h16v14H4zM4 10h16M10 10v9', role: 'read', page: Tables },
  { path: 'query', title: 'Query', icon: 'M5 7l5 5-5 5M12 18h7', role: 'query', page: Query },
  { path: 'quarantine', title: 'Quarantine', icon: 'M12 4l9 16H3zM12 10v4M12 17v.5', role: 'query', page: Quarantine },
  { path: 'models', title: 'Models', icon: 'M5 5h5v5H5zM14 14h5v5h-5zM7.5 10v6.5H14', role: 'read', page: Models },
  { path: 'schemas', title: 'Schemas', icon: 'M9 4c-3 0-2 3-2 5s-1 3-3 3c2 0 3 1 3 3s-1 5 2 5M15 4c3 0 2 3 2 5s1 3 3 3c-2 0-3 1-3 3s1 5-2 5', role: 'read', page: Schemas },
  { path: 'connectors', title: 'Connectors', icon: 'M8 3v5M16 3v5M6 8h12v4a6 6 0 0 1-12 0zM12 18v3', role: 'read', page: Connectors },
  { path: 'logs', title: 'Logs', icon: 'M6 3h9l4 4v14H6zM9 12h7M9 16h7', role: 'operate', page: Logs },
]

function Icon(props: { path: string }) {
  return (
    <svg viewBox="0 0 24 24" class="icon" aria-hidden="true">
      <path d={props.path} />
    </svg>
  )
}

function Nav() {
  const here = useStore(route).path[0] ?? ''
  const roles = useStore(session)?.roles ?? []
  return (
    <nav aria-label="Pages">
      <ul>
        {PLACES.filter((place) => roles.includes(place.role)).map((place) => (
          <li key={place.path}>
            <a href={to(...(place.path ? [place.path] : []))} aria-current={here === place.path ? 'page' : undefined}>
              <Icon path={place.icon} />
              {place.title}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  )
}

function ThemeChoice() {
  const value = useStore(theme)
  const options: [Theme, string][] = [
    ['auto', 'Auto'],
    ['light', 'Light'],
    ['dark', 'Dark'],
  ]
  return (
    <div class="themes" role="group" aria-label="Colours">
      {options.map(([option, text]) => (
        <button type="button" key={option} aria-pressed={value === option} onClick={() => setTheme(option)}>
          {text}
        </button>
      ))}
    </div>
  )
}

function Side() {
  const { status, connected } = useStore(live)
  const held = useStore(session)
  const leave = async () => {
    showToken(null)
    await refreshSession()
  }
  return (
    <aside class="side">
      <a class="brand" href={to()}>
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <rect width="32" height="32" rx="7" />
          <path d="M5 12c4-4 7-4 11 0s7 4 11 0M5 20c4-4 7-4 11 0s7 4 11 0" />
        </svg>
        <span>
          Millrace
          <small>{status?.pipeline ?? ' '}</small>
        </span>
      </a>
      <Nav />
      <div class="side-foot">
        <p class={`link ${connected ? 'up' : 'down'}`} role="status">
          <i aria-hidden="true" />
          {connected ? 'Live' : 'Not connected'}
        </p>
        {held?.tokens && (
          <button type="button" class="plain" onClick={leave}>
            Forget the token
          </button>
        )}
        <ThemeChoice />
      </div>
    </aside>
  )
}

function AskToken() {
  const [token, set] = useState('')
  const [problem, say] = useState<string | null>(null)
  const enter = async (event: Event) => {
    event.preventDefault()
    showToken(token.trim())
    try {
      await refreshSession()
      if (!session.value?.roles.length) {
        showToken(null)
        say('This server does not know that token.')
      }
    } catch (failure) {
      showToken(null)
      say((failure as Error).message)
    }
  }
  return (
    <main class="gate">
      <form class="panel gate-panel" onSubmit={enter}>
        <h1>Millrace</h1>
        <p>
          This server asks for a token: one of those under <code>server.tokens</code> in its configuration. It is kept in this tab until you close it.
        </p>
        <Input label="Token" type="password" value={token} set={set} required />
        <Problem text={problem} />
        <button type="submit" class="primary">
          Enter
        </button>
      </form>
    </main>
  )
}

function Body() {
  const here = useStore(route).path[0] ?? ''
  const roles = useStore(session)?.roles ?? []
  const place = PLACES.find((each) => each.path === here)
  if (!place) {
    return (
      <Page title="Not here">
        <Empty title="There is no such page">
          <a href={to()}>Back to the overview</a>
        </Empty>
      </Page>
    )
  }
  if (!roles.includes(place.role)) {
    return (
      <Page title={place.title}>
        <Empty title="Your token is not for this">
          <p>
            This page needs the role <code>{place.role}</code> in <code>server.tokens</code>.
          </p>
        </Empty>
      </Page>
    )
  }
  return <place.page />
}

export function App() {
  const held = useStore(session)
  const [problem, say] = useState<string | null>(null)
  useEffect(() => {
    const ask = () =>
      refreshSession().then(
        () => say(null),
        (failure: Error) => {
          say(failure.message)
          setTimeout(ask, 2000)
        },
      )
    void ask()
  }, [])
  const sees = held?.roles.includes('read') ?? false
  useEffect(() => (sees ? follow() : undefined), [sees])
  // A token may be for other things than looking: then the pages that it is for are there all the same.
  if (!held) return <main class="gate">{problem ? <Problem text={problem} /> : <p role="status">Loading…</p>}</main>
  if (held.tokens && held.roles.length === 0) return <AskToken />
  return (
    <>
      <a class="skip" href="#main" onClick={(e) => (e.preventDefault(), document.querySelector<HTMLElement>('h1')?.focus())}>
        To the content
      </a>
      <div class="frame">
        <Side />
        <main id="main">
          <Body />
        </main>
      </div>
      <Telling />
    </>
  )
}

