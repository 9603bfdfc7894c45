export interface DiffLine {
  kind: 'same' | 'plus' | 'minus'
  text: string
}

/** Of longer texts all is shown as gone and as new. */
const LINES_MAX = 2000

/** What became of the lines of a text: the longest common sequence stays. */
export function diff(before: string, after: string): DiffLine[] {
  const a = before.split('\n')
  const b = after.split('\n')
  if (a.length > LINES_MAX || b.length > LINES_MAX) return [...a.map((text): DiffLine => ({ kind: 'minus', text })), ...b.map((text): DiffLine => ({ kind: 'plus', text }))]
  const width = b.length + 1
  const common = new Uint16Array((a.length + 1) * width)
  for (let i = a.length - 1; i >= 0; --i) {
    for (let j = b.length - 1; j >= 0; --j) {
      common[i * width + j] = a[i] === b[j] ? common[(i + 1) * width + j + 1]! + 1 : Math.max(common[(i + 1) * width + j]!, common[i * width + j + 1]!)
    }
  }
  const lines: DiffLine[] = []
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ kind: 'same', text: a[i]! })
      ++i
      ++j
    } else if (j >= b.length || (i < a.length && common[(i + 1) * width + j]! >= common[i * width + j + 1]!)) {
      lines.push({ kind: 'minus', text: a[i++]! })
    } else {
      lines.push({ kind: 'plus', text: b[j++]! })
    }
  }
  return lines
}
