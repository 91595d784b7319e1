// The code editor for HTML campaigns: <lb-editor><textarea …></textarea></lb-editor>.
// The textarea stays the form field (and the whole editor where scripts are off); this keeps it in step.
//
//   editor.markErrors([{line: 12, message: "…"}])   marks lines (from 1) and shows the messages
//   editor.insert("{{ subscriber.first_name }}")    at the cursor
//
//   editor.value                                    the text, to read or to replace
//
// data-errors on the element (the same JSON list) marks lines from the start and whenever it changes.

import { autocompletion, closeBrackets, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { jinja } from "@codemirror/lang-jinja";
import { bracketMatching, foldGutter, HighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

import { text } from "./texts.js";

const colours = HighlightStyle.define([
  { tag: tags.tagName, color: "light-dark(#0b626b, #6bd0d8)" },
  { tag: tags.attributeName, color: "light-dark(#1f56a3, #93bdf7)" },
  { tag: [tags.attributeValue, tags.string], color: "light-dark(#17693a, #6fd699)" },
  { tag: [tags.keyword, tags.controlKeyword, tags.operatorKeyword], color: "light-dark(#8a3fb0, #d7a3f0)", fontWeight: "600" },
  { tag: [tags.brace, tags.variableName, tags.propertyName], color: "light-dark(#855000, #f2b866)" },
  { tag: tags.number, color: "light-dark(#b8326f, #f58bb8)" },
  { tag: tags.comment, color: "light-dark(#5b6b6f, #9aabae)", fontStyle: "italic" },
  { tag: [tags.angleBracket, tags.punctuation], color: "light-dark(#5b6b6f, #9aabae)" },
]);

const look = EditorView.theme({
  "&": { minHeight: "24rem", maxHeight: "70vh", fontSize: "13px", color: "var(--tblr-body-color)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--tblr-font-monospace)", lineHeight: "1.6" },
  ".cm-gutters": { backgroundColor: "light-dark(#f7fafa, #101d20)", color: "light-dark(#5b6b6f, #9aabae)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "light-dark(#0e6b740f, #6bd0d814)" },
  ".cm-cursor": { borderLeftColor: "var(--tblr-body-color)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    background: "light-dark(#bfe3e6, #1d5059)",
  },
  ".cm-panels, .cm-tooltip": {
    backgroundColor: "var(--tblr-bg-surface)", color: "var(--tblr-body-color)", borderColor: "var(--tblr-border-color)",
  },
});

function diagnostic(doc, { line, message }) {
  const { from, to } = doc.line(Math.min(Math.max(line, 1), doc.lines));
  return { from, to, severity: "error", message };
}

class Editor extends HTMLElement {
  static observedAttributes = ["data-errors"];

  connectedCallback() {
    if (this.view) return;
    this.field = this.querySelector("textarea");
    // Inside a shadow root CodeMirror uses adopted style sheets, which the content security policy allows;
    // in the document itself it would write a <style> element, which it does not.
    const root = this.attachShadow({ mode: "open" });
    this.view = new EditorView({ root, parent: root, state: this.firstState() });
    this.field.addEventListener("focus", () => this.view.focus()); // a click on the label lands there
    this.markErrors(JSON.parse(this.dataset.errors || "[]"));
  }

  attributeChangedCallback(_name, _before, errors) {
    if (this.view) this.markErrors(JSON.parse(errors || "[]"));
  }

  markErrors(errors) {
    const { state } = this.view;
    const marks = errors.map((error) => diagnostic(state.doc, error));
    this.view.dispatch(setDiagnostics(state, marks));
    if (marks.length) this.view.dispatch({ effects: EditorView.scrollIntoView(marks[0].from, { y: "center" }) });
  }

  get value() {
    return this.view.state.doc.toString();
  }

  set value(words) {
    this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: words } });
  }

  insert(words) {
    this.view.dispatch(this.view.state.replaceSelection(words));
    this.view.focus();
  }

  firstState() {
    return EditorState.create({
      doc: this.field.value,
      extensions: [
        lineNumbers(), foldGutter(), lintGutter(), history(), drawSelection(), indentOnInput(), bracketMatching(),
        closeBrackets(), autocompletion(), highlightActiveLine(), highlightActiveLineGutter(), highlightSelectionMatches(),
        EditorView.lineWrapping, jinja(), syntaxHighlighting(colours), look,
        EditorView.contentAttributes.of({ "aria-label": this.field.labels[0]?.textContent.trim() ?? text("editor") }),
        EditorView.editable.of(!this.field.readOnly),
        EditorView.updateListener.of((update) => update.docChanged && this.writeBack()),
        // No Tab binding: the key must leave the editor (WCAG 2.2, 2.1.2).
        keymap.of([...defaultKeymap, ...searchKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap]),
      ],
    });
  }

  // htmx triggers and autosave listen to the field's own input event.
  writeBack() {
    this.field.value = this.value;
    this.field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

customElements.define("lb-editor", Editor);
