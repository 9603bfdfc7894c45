import type { ComponentChildren } from 'preact'
import type { Tone } from './ui'

export interface FlowNode {
  id: string
  column: number
  title: string
  kind: string
  href: string
  lines: ComponentChildren[]
  tone: Tone
  state: string
  /** 0 to 1 and beyond: how much of what is allowed is used up. */
  fill?: number
  late?: boolean
  moves?: boolean
}
export interface FlowEdge {
  from: string
  to: string
}

const WIDTH = 190
const HEIGHT = 74
const GAP_X = 42
const GAP_Y = 14
const TOP = 30

/** Each column's nodes ordered by where they come from, so that few lines cross. */
function place(nodes: FlowNode[], edges: FlowEdge[]) {
  const columns = [...new Set(nodes.map((node) => node.column))].sort((a, b) => a - b)
  const at = new Map<string, { x: number; y: number; row: number }>()
  let rows = 0
  columns.forEach((column, i) => {
    const mean = (node: FlowNode) => {
      const parents = edges.filter((edge) => edge.to === node.id).flatMap((edge) => at.get(edge.from)?.row ?? [])
      return parents.length ? parents.reduce((sum, row) => sum + row, 0) / parents.length : Number.MAX_SAFE_INTEGER
    }
    const here = nodes.filter((node) => node.column === column)
    const order = new Map(here.map((node) => [node.id, mean(node)]))
    here.sort((a, b) => order.get(a.id)! - order.get(b.id)! || a.title.localeCompare(b.title))
    here.forEach((node, row) => at.set(node.id, { x: i * (WIDTH + GAP_X), y: TOP + row * (HEIGHT + GAP_Y), row }))
    rows = Math.max(rows, here.length)
  })
  return { at, columns, width: columns.length * (WIDTH + GAP_X) - GAP_X, height: TOP + rows * (HEIGHT + GAP_Y) - GAP_Y }
}

/** What leads where, from left to right. Every node is a link; the same facts stand in tables elsewhere. */
export function Flow(props: { label: string; heads: Record<number, string>; nodes: FlowNode[]; edges: FlowEdge[] }) {
  const { at, columns, width, height } = place(props.nodes, props.edges)
  const moving = new Set(props.nodes.filter((node) => node.moves).map((node) => node.id))
  return (
    <div class="flow-scroll" tabIndex={0} role="region" aria-label={props.label}>
      <div class="flow" style={{ width: `${width}px`, height: `${height}px` }}>
        <svg width={width} height={height} aria-hidden="true">
          {props.edges.map((edge) => {
            const from = at.get(edge.from)
            const to = at.get(edge.to)
            if (!from || !to) return null
            const [x1, y1, x2, y2] = [from.x + WIDTH, from.y + HEIGHT / 2, to.x, to.y + HEIGHT / 2]
            const bend = Math.max(28, (x2 - x1) / 2)
            return <path key={`${edge.from} ${edge.to}`} class={moving.has(edge.from) ? 'moves' : ''} d={`M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`} />
          })}
        </svg>
        {columns.map((column, i) => (
          <p class="flow-head" key={column} style={{ left: `${i * (WIDTH + GAP_X)}px`, width: `${WIDTH}px` }}>
            {props.heads[column] ?? ''}
          </p>
        ))}
        {props.nodes.map((node) => {
          const spot = at.get(node.id)!
          return (
            <a key={node.id} class={`node ${node.tone}`} href={node.href} style={{ left: `${spot.x}px`, top: `${spot.y}px`, width: `${WIDTH}px`, height: `${HEIGHT}px` }}>
              <span class="node-title">
                <i aria-hidden="true" />
                <b title={node.title}>{node.title}</b>
                <span class="unseen">, {node.state}</span>
              </span>
              {node.lines.map((line, i) => (
                <span class="node-line" key={i}>
                  {line}
                  {i === 0 && <em>{node.kind}</em>}
                </span>
              ))}
              {node.fill !== undefined && (
                <span class="node-fill" aria-hidden="true">
                  <i style={{ width: `${Math.min(1, node.fill) * 100}%` }} class={node.late ? 'over' : ''} />
                </span>
              )}
            </a>
          )
        })}
      </div>
    </div>
  )
}
