// Builds one sprite from the icons that templates, pages and event lines use (Lucide, ISC). Names put together at run time
// are listed in icons.txt.
import { readFileSync, readdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const source = "node_modules/lucide-static/icons";
const files = (folder) =>
  readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : /\.(html|py)$/.test(name) ? [path] : [];
  });
const known = new Set(
  readdirSync(source)
    .filter((name) => name.endsWith(".svg"))
    .map((name) => name.slice(0, -4)),
);
const names = new Set(
  readFileSync("frontend/icons.txt", "utf8")
    .split("\n")
    .filter((line) => line && !line.startsWith("#")),
);
// Any quoted word that is an icon's name counts: names also stand in tables and mappings. A few too many weigh nothing.
for (const file of [...files("mydia/web"), "mydia/events/stories.py"]) {
  for (const [, name] of readFileSync(file, "utf8").matchAll(/['"]([a-z0-9-]+)['"]/g))
    if (known.has(name)) names.add(name);
  for (const [, name] of readFileSync(file, "utf8").matchAll(
    /\bicon\(\s*['"]([a-z0-9-]+)['"]|\bicon=['"]([a-z0-9-]+)['"]/g,
  )) {
    if (name && !known.has(name)) (console.error(`${file}: Lucide has no icon "${name}"`), (process.exitCode = 1));
  }
}
const symbols = [...names].sort().map((name) => {
  const body = readFileSync(join(source, `${name}.svg`), "utf8")
    .replace(/<!--[\s\S]*?-->/g, "")
    .match(/<svg[^>]*>([\s\S]*)<\/svg>/)[1];
  return `<symbol id="i-${name}" viewBox="0 0 24 24">${body.replace(/\s+/g, " ").replace(/> </g, "><").replace(/ \/>/g, "/>").trim()}</symbol>`;
});
const sprite = `<svg xmlns="http://www.w3.org/2000/svg"><!-- Lucide icons, ISC licence, see vendor/README.md -->\n${symbols.join("\n")}\n</svg>\n`;
writeFileSync(`${process.argv[2]}.new`, sprite);
renameSync(`${process.argv[2]}.new`, process.argv[2]);
