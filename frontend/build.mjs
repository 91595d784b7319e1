// Builds the web assets: bundles with content hashes, the icon sprite, licence texts and the
// manifest that app/assets.py reads. Run from anywhere: node frontend/build.mjs

import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const dist = path.join(root, "app/static/dist");
// Built aside and then put in place at once; the process id keeps two builds apart.
const fresh = path.join(root, `node_modules/.letterbond-dist-${process.pid}`);

// Where templates and Python name an icon: icon("x"), icon("x" if … else "y"), icon="x", icon_name="x", "icon": "x",
// empty_state("x", …), mark("x"). Names that are put together at run time are not found: spell them out.
const ICON_USE = /\b(?:icon|empty_state|mark)\(([^()]*)|\bicon(?:_name)?["']?\s*[=:]([^,()\n]*)/g;
const ICON_NAME = /(?:^|\belse)\s*["']([a-z][a-z0-9-]*)["']/g;

async function filesBelow(folder, endings) {
  const found = await readdir(path.join(root, folder), { recursive: true }).catch(() => []);
  return found.filter((name) => endings.includes(path.extname(name))).map((name) => path.join(root, folder, name));
}

async function usedIcons() {
  const users = new Map();
  for (const file of [...(await filesBelow("templates", [".html"])), ...(await filesBelow("app", [".py"]))]) {
    for (const [, argument, value] of (await readFile(file, "utf8")).matchAll(ICON_USE)) {
      for (const [, name] of (argument ?? value).matchAll(ICON_NAME)) users.set(name, file);
    }
  }
  return users;
}

async function symbol(name, file) {
  const source = path.join(root, "node_modules/@tabler/icons/icons/outline", `${name}.svg`);
  const svg = await readFile(source, "utf8").catch(() => {
    throw new Error(`${path.relative(root, file)} uses the icon “${name}”, which Tabler icons do not have`);
  });
  const drawing = svg.slice(svg.indexOf(">") + 1, svg.lastIndexOf("</svg>"));
  const visible = drawing.replace(/<path stroke="none"[^>]*>/, "").replace(/\s+/g, " ").trim();
  // Stroke and fill come from the class of the <svg> that uses the symbol.
  return `<symbol id="${name}" viewBox="0 0 24 24">${visible}</symbol>`;
}

async function sprite() {
  const users = await usedIcons();
  const names = [...users.keys()].sort();
  const symbols = await Promise.all(names.map((name) => symbol(name, users.get(name))));
  return { names, text: `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("\n")}</svg>\n` };
}

async function writeHashed(name, text) {
  const { name: stem, ext } = path.parse(name);
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 10);
  await writeFile(path.join(fresh, `${stem}-${hash}${ext}`), text);
  return `${stem}-${hash}${ext}`;
}

function packageOf(input) {
  const inside = input.split("node_modules/").at(-1);
  return inside.split("/").slice(0, inside.startsWith("@") ? 2 : 1).join("/");
}

async function licenceOf(name) {
  const folder = path.join(root, "node_modules", name);
  const { version, license } = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8"));
  const own = (await readdir(folder)).find((file) => /^licen[cs]e/i.test(file));
  const notice = (await readdir(folder)).find((file) => /^notice/i.test(file));
  const kept = path.join(root, "frontend/licenses", `${name.replace("/", "+")}.txt`);
  const texts = [await readFile(own ? path.join(folder, own) : kept, "utf8")];
  if (notice) texts.push(await readFile(path.join(folder, notice), "utf8"));
  return `${name} ${version} (${license})\n\n${texts.join("\n").trim()}\n`;
}

async function bundles() {
  const common = { absWorkingDir: root, bundle: true, minify: true, metafile: true, outdir: fresh, entryNames: "[name]-[hash]", target: "es2022", legalComments: "none", logLevel: "warning" };
  const entries = (names) => names.map((name) => `frontend/${name}`);
  return Promise.all([
    build({ ...common, format: "esm", entryPoints: entries(["app.js", "charts.js", "editor.js"]) }),
    // theme.js runs before the first paint, so it may not be a (deferred) module.
    build({ ...common, format: "iife", entryPoints: entries(["theme.js"]) }),
    build({ ...common, entryPoints: entries(["app.css", "public.css"]) }),
  ]);
}

function outputs(results) {
  return results.flatMap(({ metafile }) =>
    Object.entries(metafile.outputs)
      .filter(([, output]) => output.entryPoint)
      .map(([file, output]) => [path.basename(output.entryPoint), path.basename(file)]),
  );
}

function bundledPackages(results) {
  const inputs = results.flatMap(({ metafile }) => Object.keys(metafile.inputs));
  const names = inputs.filter((input) => input.includes("node_modules/")).map(packageOf);
  return [...new Set([...names, "@tabler/icons"])].sort();
}

await mkdir(path.dirname(dist), { recursive: true });
await mkdir(fresh, { recursive: true });
const results = await bundles();
const icons = await sprite();
const licences = await Promise.all(bundledPackages(results).map(licenceOf));
await writeFile(path.join(fresh, "licenses.txt"), licences.join(`\n${"-".repeat(80)}\n\n`));
const files = Object.fromEntries(outputs(results));
files["icons.svg"] = await writeHashed("icons.svg", icons.text);
files["logo.svg"] = await writeHashed("logo.svg", await readFile(path.join(root, "frontend/logo.svg"), "utf8"));
await writeFile(path.join(fresh, "manifest.json"), `${JSON.stringify({ files, icons: icons.names }, null, 2)}\n`);
// The old folder goes only when the new one is whole, so a failed build leaves the last good one.
await rm(dist, { recursive: true, force: true });
await rename(fresh, dist);
console.log(`app/static/dist: ${Object.keys(files).length} files, ${icons.names.length} icons`);
