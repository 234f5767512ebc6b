// Validates pages with html-validate: node validate.mjs PAGE...

import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.env.LOGAUDIT_PAGE_READERS, "index.js"));
const { HtmlValidate } = require("html-validate");

const validator = new HtmlValidate({
  root: true,
  extends: ["html-validate:recommended"],
  rules: {
    // How a document is spaced and quoted is a matter of style.
    "no-trailing-whitespace": "off",
    "attr-quotes": "off",
    "void-style": "off",
    "long-title": "off",
    // The filters work while they are changed.
    "wcag/h32": "off",
  },
});

for (const page of process.argv.slice(2)) {
  const report = await validator.validateFile(page);
  for (const result of report.results) {
    for (const { ruleId, message, line, column } of result.messages.slice(0, 20)) {
      console.error(`${page}:${line}:${column}: ${message} (${ruleId})`);
      process.exitCode = 1;
    }
  }
}
