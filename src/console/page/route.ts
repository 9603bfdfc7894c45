import { Store } from './store'

/** "#/tables/silver.users?tab=files": the parts of the path, decoded, and what stands behind them. */
export interface Route {
  path: string[]
  query: URLSearchParams
}

function read(): Route {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?')
  return { path: path.split('/').filter(Boolean).map(decode), query: new URLSearchParams(query) }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

export const route = new Store<Route>(read())
addEventListener('hashchange', () => route.set(read()))

export const to = (...path: string[]) => `#/${path.map(encodeURIComponent).join('/')}`
export const toQuery = (sql: string) => `#/query?${new URLSearchParams({ sql })}`
/** "silver"."my table": names as SQL writes them. */
export const sqlName = (table: string) => {
  const dot = table.lastIndexOf('.')
  return [table.slice(0, dot), table.slice(dot + 1)].map((part) => (/^[a-z_][a-z0-9_]*$/.test(part) ? part : `"${part.replaceAll('"', '""')}"`)).join('.')
}
