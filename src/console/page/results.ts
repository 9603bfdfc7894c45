import type { ChartData } from './chart'

export type Row = Record<string, unknown>

export const isNumber = (value: unknown): value is number => typeof value === 'number'
const isTime = (value: unknown) => typeof value === 'string' && /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d|$)/.test(value) && !Number.isNaN(Date.parse(value))

/** Columns of which every value that is there is of a kind. */
export function columnsOf(rows: Row[], names: string[], kind: (value: unknown) => boolean): string[] {
  return names.filter((name) => {
    const there = rows.map((row) => row[name]).filter((value) => value !== null && value !== undefined)
    return there.length > 0 && there.every(kind)
  })
}

/** What can be drawn of a result: lines over time or numbers, bars over words; null: nothing. */
export function chartOf(rows: Row[], x: string, ys: string[]): ChartData | null {
  if (rows.length === 0 || ys.length === 0) return null
  const time = columnsOf(rows, [x], isTime).length > 0
  const numeric = columnsOf(rows, [x], isNumber).length > 0
  let used = rows.filter((row) => row[x] !== null && row[x] !== undefined)
  const at = (row: Row) => (time ? Date.parse(String(row[x])) / 1000 : Number(row[x]))
  if (time || numeric) used = used.toSorted((a, b) => at(a) - at(b))
  const words = time || numeric ? undefined : used.map((row) => String(row[x]))
  return {
    x: used.map((row, i) => (words ? i : at(row))),
    time,
    words,
    bars: words !== undefined,
    series: ys.map((name) => ({ name, values: used.map((row) => (isNumber(row[name]) ? row[name] : null)) })),
    along: x,
    label: `${ys.join(', ')} by ${x}, ${used.length} rows`,
  }
}

/** What a person most likely wants to see of a result. */
export function guess(rows: Row[], names: string[]): { x: string; ys: string[] } | null {
  const numbers = columnsOf(rows, names, isNumber)
  const x = columnsOf(rows, names, isTime)[0] ?? names.find((name) => !numbers.includes(name)) ?? names[0]
  const ys = numbers.filter((name) => name !== x)
  return x && ys.length ? { x, ys: ys.slice(0, 1) } : null
}
