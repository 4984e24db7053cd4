// Bundles what the pages are made of into one folder: kit.js, kit.css, charts.js, icons.svg and the licences.
// Called by hatch_build.py:  node build.mjs OUTPUT
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "node_modules");
const output = process.argv[2];
mkdirSync(output, { recursive: true });

const result = await build({
  absWorkingDir: here,
  entryPoints: { kit: "src/kit.js", style: "src/kit.css", charts: "src/charts.js" },
  entryNames: "[name]",
  outdir: "out",
  bundle: true,
  minify: true,
  format: "iife",
  target: ["chrome100", "firefox100", "safari15.4"],
  charset: "utf8",
  legalComments: "none", // LICENSES.txt has them all in full
  metafile: true,
  write: false,
  logLevel: "warning",
});
for (const file of result.outputFiles) {
  const name = file.path.split(/[\\/]/).pop();
  writeFileSync(join(output, name === "style.css" ? "kit.css" : name), file.contents);
}

// One file of symbols for the icons that src/icons.txt names.
const names = readFileSync(join(here, "src/icons.txt"), "utf8").split("\n").map((line) => line.trim());
const symbols = names.filter((name) => name && !name.startsWith("#")).map((name) => {
  const file = join(modules, "@tabler/icons/icons", `${name.includes("/") ? name : `outline/${name}`}.svg`);
  if (!existsSync(file)) throw new Error(`src/icons.txt names an icon that does not exist: ${name}`);
  const [, attributes, body] = readFileSync(file, "utf8").match(/<svg([^>]*)>([\s\S]*)<\/svg>/);
  const kept = [...attributes.matchAll(/\s(viewBox|fill|stroke|stroke-[a-z]+)="[^"]*"/g)].map((match) => match[0].trim());
  const id = name.startsWith("filled/") ? `${name.slice("filled/".length)}-filled` : name;
  return `<symbol id="${id}" ${kept.join(" ")}>${body.replace(/<path stroke="none" d="M0 0h24v24H0z" fill="none" ?\/>/, "")
    .replace(/\s*\n\s*/g, "")}</symbol>`;
});
writeFileSync(join(output, "icons.svg"), `<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join("\n")}\n</svg>\n`);

// The licences of every package of which anything is in there.
const packages = new Set(["@tabler/icons"]);
for (const input of Object.keys(result.metafile.inputs)) {
  const match = input.match(/node_modules\/((?:@[^/]+\/)?[^/]+)\//);
  if (match) packages.add(match[1]);
}
const texts = [...packages].sort().map((name) => {
  const folder = join(modules, name);
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|notice|copyright)/i.test(file) && /(^[^.]+|\.txt|\.md)$/.test(file));
  const own = join(here, "licenses", `${name.replace("@", "").replace("/", "-")}.txt`);
  const paths = [...files.map((file) => join(folder, file)), ...(existsSync(own) ? [own] : [])]
    .filter((path) => !path.endsWith("licenses"));
  if (!paths.length) throw new Error(`${name} carries no licence text: put it into ui/licenses/`);
  return [`${name} ${version} (${license})`, "=".repeat(76), ...paths.map((path) => readFileSync(path, "utf8").trim())].join("\n");
});
writeFileSync(join(output, "LICENSES.txt"), `${texts.join("\n\n\n")}\n`);
