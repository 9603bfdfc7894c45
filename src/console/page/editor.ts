import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { PostgreSQL, sql, type SQLNamespace } from '@codemirror/lang-sql'
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { Compartment, EditorState, Prec } from '@codemirror/state'
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers, placeholder } from '@codemirror/view'
import { tags } from '@lezer/highlight'

/** Tables, and the columns of each. */
export type Names = Record<string, string[]>

const highlight = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--code-word)' },
  { tag: tags.string, color: 'var(--code-text)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--code-number)' },
  { tag: tags.comment, color: 'var(--muted)', fontStyle: 'italic' },
])

const look = EditorView.theme({
  '&': { color: 'var(--text)', backgroundColor: 'var(--panel)', fontSize: '13px' },
  '&.cm-focused': { outline: '2px solid var(--accent)', outlineOffset: '-2px' },
  '.cm-content': { fontFamily: 'var(--mono)', padding: '10px 0', minHeight: '120px', caretColor: 'var(--text)' },
  '.cm-scroller': { maxHeight: '40vh', overflow: 'auto' },
  '.cm-gutters': { backgroundColor: 'var(--panel)', color: 'var(--muted)', border: 'none' },
  '.cm-activeLine': { backgroundColor: 'var(--hover)' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '.cm-placeholder': { color: 'var(--muted)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'var(--select)' },
  '.cm-tooltip': { backgroundColor: 'var(--panel)', color: 'var(--text)', border: '1px solid var(--line)', borderRadius: '6px', overflow: 'hidden' },
  '.cm-tooltip-autocomplete > ul > li': { padding: '3px 8px' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--accent)', color: 'var(--on-accent)' },
})

/** Text over a selection is put in by the editor and not by the browser, which would give it a style of its own: the
 * page's policy refuses that, loudly. */
const typeOver = EditorView.domEventHandlers({
  beforeinput: (event, view) => {
    const { from, to, empty } = view.state.selection.main
    const text = event.data
    if (event.inputType !== 'insertText' || !text || empty || view.composing) return false
    event.preventDefault()
    const insert = () => view.state.update(view.state.replaceSelection(text), { userEvent: 'input.type', scrollIntoView: true })
    if (!view.state.facet(EditorView.inputHandler).some((handle) => handle(view, from, to, text, insert))) view.dispatch(insert())
    return true
  },
})

/** {"silver": {"users": [...]}}: namespaces as the completion wants them. */
function namespaceOf(names: Names): SQLNamespace {
  const spaces: Record<string, Record<string, string[]>> = {}
  for (const [table, columns] of Object.entries(names)) {
    const dot = table.lastIndexOf('.')
    ;(spaces[table.slice(0, dot)] ??= {})[table.slice(dot + 1)] = columns
  }
  return spaces
}

export interface Editor {
  text: () => string
  set: (text: string) => void
  insert: (text: string) => void
  complete: (names: Names) => void
  focus: () => void
  close: () => void
}

/** In a shadow root of `place`, as the styles it makes are then no inline ones, which the page's policy refuses. */
export function openEditor(place: HTMLElement, text: string, run: () => void): Editor {
  const root = place.shadowRoot ?? place.attachShadow({ mode: 'open' })
  const language = new Compartment()
  const languageOf = (names: Names) => sql({ dialect: PostgreSQL, schema: namespaceOf(names), upperCaseKeywords: true })
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: text,
      extensions: [
        Prec.highest(keymap.of([{ key: 'Mod-Enter', run: () => (run(), true) }])),
        lineNumbers(),
        history(),
        drawSelection(),
        bracketMatching(),
        closeBrackets(),
        autocompletion(),
        highlightActiveLine(),
        placeholder('SELECT … FROM silver.…'),
        syntaxHighlighting(highlight),
        language.of(languageOf({})),
        // Tab stays what moves the focus.
        keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...completionKeymap]),
        EditorView.contentAttributes.of({ 'aria-label': 'SQL', spellcheck: 'false' }),
        EditorView.lineWrapping,
        typeOver,
        look,
      ],
    }),
  })
  const replace = (from: number, to: number, insert: string) => view.dispatch({ changes: { from, to, insert }, selection: { anchor: from + insert.length } })
  return {
    text: () => view.state.doc.toString(),
    set: (value) => replace(0, view.state.doc.length, value),
    insert: (value) => {
      const { from, to } = view.state.selection.main
      replace(from, to, value)
      view.focus()
    },
    complete: (names) => view.dispatch({ effects: language.reconfigure(languageOf(names)) }),
    focus: () => view.focus(),
    close: () => view.destroy(),
  }
}
