import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { useStore } from './store'
import { colour, theme } from './theme'

export interface Series {
  name: string
  values: (number | null)[]
}
export interface ChartData {
  /** Seconds since 1970 when `time`, else where on the axis. */
  x: number[]
  time: boolean
  /** What stands below the axis in place of numbers. */
  words?: string[]
  bars: boolean
  series: Series[]
  /** What the axis is of. */
  along: string
  label: string
}

const COLOURS = ['--series-1', '--series-2', '--series-3', '--series-4', '--series-5']

function options(data: ChartData, width: number): uPlot.Options {
  const words = data.words
  const grid = { stroke: colour('--line'), width: 1 }
  const axis: uPlot.Axis = { stroke: colour('--muted'), grid, ticks: grid, font: '11px system-ui, sans-serif' }
  return {
    width,
    height: 300,
    scales: { x: words ? { time: false, range: (_, from, to) => [from - 0.6, to + 0.6] } : { time: data.time }, y: data.bars ? { range: (_, from, to) => [Math.min(0, from), Math.max(0, to) * 1.05] } : {} },
    axes: [words ? { ...axis, values: (_, at) => at.map((i) => (Number.isInteger(i) ? (words[i] ?? '') : '')), incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500], space: 70 } : axis, { ...axis, size: 64 }],
    series: [
      words ? { label: data.along, value: (_, i) => (i === null ? '–' : (words[Math.round(i)] ?? '')) } : { label: data.along },
      ...data.series.map((series, i) => ({
        label: series.name,
        stroke: colour(COLOURS[i % COLOURS.length]!),
        fill: data.bars ? colour(COLOURS[i % COLOURS.length]!) : undefined,
        width: data.bars ? 0 : 1.75,
        points: { show: !data.bars && data.x.length < 60 },
        paths: data.bars ? uPlot.paths.bars!({ size: [0.7, 48] }) : undefined,
      })),
    ],
  }
}

export function Chart(props: { data: ChartData }) {
  const box = useRef<HTMLDivElement>(null)
  const now = useStore(theme)
  useEffect(() => {
    const place = box.current!
    const plot = new uPlot(options(props.data, place.clientWidth), [props.data.x, ...props.data.series.map((series) => series.values)] as uPlot.AlignedData, place)
    const size = new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: 300 }))
    size.observe(place)
    return () => {
      size.disconnect()
      plot.destroy()
    }
  }, [props.data, now])
  return <div class="chart" ref={box} role="img" aria-label={props.data.label} />
}
