// Puts htmx and the three extensions in use in front of the built app.js, and records what that file is made of.
//
// They are one file because htmx starts a moment after its own script has run. As a file of its own it could start, open the
// live stream and announce it before app.js had been downloaded: no listener, no extension, a page that looked dead.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const built = process.argv[2];
const out = join(built, "vendor");
mkdirSync(out, { recursive: true });
const version = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8")).version;
const parts = ["htmx.min.js", "ext/hx-sse.min.js", "ext/hx-preload.min.js", "ext/hx-upsert.min.js"];
const read = (part) => readFileSync(join("node_modules/htmx.org/dist", part), "utf8");
const bundle = parts.map((part) => read(part).replace(/\n?\/\/# sourceMappingURL=.*\s*$/, "")).join("\n;\n") + "\n";
const app = readFileSync(join(built, "app.js"), "utf8");
writeFileSync(join(built, "app.js"), bundle + app);
const sum = (text) => createHash("sha256").update(text).digest("hex");
writeFileSync(join(out, "LICENSE-htmx.txt"), readFileSync("node_modules/htmx.org/LICENSE", "utf8"));
writeFileSync(join(out, "LICENSE-lucide.txt"), readFileSync("node_modules/lucide-static/LICENSE", "utf8"));
writeFileSync(
  join(out, "README.md"),
  `# Vendored front-end files

Made by \`frontend/build.sh\` from npm packages pinned in \`package-lock.json\`. Nothing here is edited by hand, and nothing is
loaded from anywhere else.

| file | made of | version | licence | SHA-256 |
|---|---|---|---|---|
${parts.map((part) => `| \`../app.js\` (part) | htmx.org \`dist/${part}\` | ${version("htmx.org")} | 0BSD | \`${sum(read(part))}\` |`).join("\n")}
| \`../app.js\` (beginning) | the four parts above, in that order | | 0BSD | \`${sum(bundle)}\` |
| \`../icons.svg\` | lucide-static, only the icons in use | ${version("lucide-static")} | ISC | |
| \`../app.css\` | tailwindcss ${version("tailwindcss")}, daisyui ${version("daisyui")} | | MIT | |
| \`../fonts/archivo-latin.woff2\` | Archivo, Latin subset, two axes | | OFL-1.1, see \`../fonts/ARCHIVO-OFL.txt\` | |
`,
);
