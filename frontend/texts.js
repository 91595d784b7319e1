// Words for scripts. They come from the server's catalogue, in <script type="application/json" id="texts">.

let texts;

export function text(name, values = {}) {
  texts ??= JSON.parse(document.getElementById("texts")?.textContent ?? "{}");
  return (texts[name] ?? name).replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
}

export const language = document.documentElement.lang || "en";
