const NUMBER = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })
const SHORT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })
const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })

export const number = (n: number | null | undefined) => (n === null || n === undefined ? '–' : NUMBER.format(n))
/** 1234567 -> "1.2M" */
export const short = (n: number | null | undefined) => (n === null || n === undefined || n < 0 ? '–' : SHORT.format(n))

/** As the command line writes it: KiB, MiB. */
export function bytes(n: number | null | undefined): string {
  if (n === null || n === undefined || n < 0) return '–'
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let i = 0
  while (n >= 1024 && i < units.length - 1) {
    n /= 1024
    ++i
  }
  return `${i > 0 && n < 10 ? n.toFixed(1) : Math.round(n)} ${units[i]}`
}

export function rate(perSecond: number): string {
  if (perSecond === 0) return '0/s'
  return `${perSecond < 10 ? perSecond.toFixed(1) : short(perSecond)}/s`
}

export function span(seconds: number): string {
  if (seconds < 1) return seconds <= 0 ? '0 s' : `${Math.round(seconds * 1000)} ms`
  if (seconds < 90) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`
  if (seconds < 129_600) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} d`
}

export function ago(time: string | null | undefined): string {
  if (!time) return '–'
  const seconds = (Date.now() - Date.parse(time)) / 1000
  return seconds < 2 ? 'now' : `${span(seconds)} ago`
}

export const moment = (time: string | null | undefined) => (time ? TIME.format(new Date(time)) : '–')
export const percent = (share: number) => `${share > 0 && share < 0.01 ? '<1' : Math.round(share * 100)} %`

/** JSON in lines for people; what is no JSON stays as it is. Numbers beyond 2^53 stay as they were written. */
export function pretty(text: string): string {
  try {
    const value = JSON.parse(text) as unknown
    if (typeof value !== 'object' || value === null) return text
    return /[0-9]{16,}/.test(text) ? text : JSON.stringify(value, null, 2)
  } catch {
    return text
  }
}
