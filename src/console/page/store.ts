import { useEffect, useState } from 'preact/hooks'

/** A value that components follow. */
export class Store<T> {
  private readonly listeners = new Set<() => void>()
  constructor(private held: T) {}

  get value(): T {
    return this.held
  }
  set(value: T) {
    this.held = value
    for (const listener of [...this.listeners]) listener()
  }
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }
}

export function useStore<T>(store: Store<T>): T {
  const [, redraw] = useState(0)
  useEffect(() => store.subscribe(() => redraw((n) => n + 1)), [store])
  return store.value
}
