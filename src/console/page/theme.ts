import { Store } from './store'

export type Theme = 'auto' | 'light' | 'dark'
const KEY = 'millrace.theme'
const kept = localStorage.getItem(KEY)

/** As the system has it, unless a person said otherwise. */
export const theme = new Store<Theme>(kept === 'light' || kept === 'dark' ? kept : 'auto')

export function setTheme(value: Theme) {
  localStorage.setItem(KEY, value)
  apply(value)
  theme.set(value)
}

function apply(value: Theme) {
  if (value === 'auto') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = value
}
apply(theme.value)
// What is painted on a canvas has to be painted again.
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => theme.set(theme.value))

/** A colour of style.css as it is now: "--accent" -> "rgb(...)". */
export function colour(name: string): string {
  const probe = document.createElement('i')
  probe.style.color = `var(${name})`
  document.body.append(probe)
  const value = getComputedStyle(probe).color
  probe.remove()
  return value
}
