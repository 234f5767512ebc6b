// Opens pages in headless Chromium and uses them as people do. What is not as it should be ends it with a message.
//
//   node browser.mjs JOBS.json
//
// A job is a page and what the report says in its JSON form: how many findings there are, by status, by severity,
// by framework and by how they stand to a baseline, a text to search for with how many findings it fits, and in which
// colours and widths axe looks through it.
// LOGAUDIT_PAGE_READERS names the folder with the packages, LOGAUDIT_CHROMIUM the browser.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(join(process.env.LOGAUDIT_PAGE_READERS, "index.js"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

/** What a page may be made of. */
const TAGS = new Set((
  "html head meta title link style body a header nav main section footer script div p h1 h2 h3 h4 ul ol li dl dt dd b i br "
  + "code pre span button form fieldset legend label input select option output table thead tbody tr th td details summary "
  + "figure article svg line rect circle text tspan path"
).split(" "));

const profile = mkdtempSync(join(tmpdir(), "logaudit-browser-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.LOGAUDIT_CHROMIUM,
  args: [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
  ],
  viewport: { width: 1200, height: 900 },
});

/** A tab in which everything that happens is noted. */
async function open(tabs, file, options = {}) {
  const page = await tabs.newPage();
  const events = [];
  const url = pathToFileURL(file).href;
  page.on("console", (message) => events.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => events.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => { events.push(`dialog: ${dialog.message()}`); void dialog.dismiss(); });
  page.on("popup", () => events.push("popup"));
  page.on("request", (request) => {
    if (request.url() !== url && request.url() !== "data:,") events.push(`request: ${request.url()}`);
  });
  if (!options.withoutScript) {
    await page.addInitScript(() => {
      globalThis.violations = [];
      document.addEventListener("securitypolicyviolation", (event) => {
        globalThis.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
      });
    });
  }
  const began = Date.now();
  page.setDefaultTimeout(60_000);
  await page.goto(url);
  return { page, events, took: Date.now() - began };
}

const visible = (page) => page.evaluate(() => {
  const seen = (line) => !line.hidden && !line.closest(".check").hidden && !line.closest(".chapter").hidden;
  return [...document.querySelectorAll(".lines > li")].filter(seen).length;
});

/** The filters: each is used, and what is shown is counted. */
async function filters(page, job) {
  const shown = async () => Number((await page.locator("#shown").textContent()).split(" ")[0]);
  const expect = async (count, what) => {
    await page.waitForFunction((count) => document.getElementById("shown").textContent.startsWith(`${count} `), count)
      .catch(async () => assert.equal(await shown(), count, what));
    assert.equal(await visible(page), count, what);
  };
  const reset = () => page.getByRole("button", { name: "Show all" }).click();
  await expect(job.findings, "all findings");
  let left = job.findings;
  for (const [status, count] of Object.entries(job.statuses)) {
    await page.locator(`#filters input[value="${status}"]`).uncheck();
    left -= count;
    await expect(left, `without ${status}`);
  }
  assert.equal(left, 0);
  assert.equal(await page.locator(".chapter:visible").count(), 0);
  await reset();
  await expect(job.findings, "after the reset");
  for (const [name, counts] of Object.entries({ severity: job.severities, framework: job.frameworks, baseline: job.standings })) {
    for (const [value, count] of Object.entries(counts)) {
      await page.locator(`#filters select[name="${name}"]`).selectOption(value);
      await expect(count, `${name} ${value}`);
    }
    await reset();
    await expect(job.findings, "after the reset");
  }
  if (job.search) {
    await page.getByRole("searchbox").fill(job.search.text);
    await expect(job.search.count, `the text ${job.search.text}`);
    await page.getByRole("searchbox").fill("no finding has this in it");
    await expect(0, "a text that is nowhere");
    await reset();
    await expect(job.findings, "after the reset");
  }
}

/** A link to a finding that is filtered away shows it. */
async function links(page, job) {
  const link = page.locator("#first a").first();
  if (await link.count() === 0) return;
  const id = (await link.getAttribute("href")).slice(1);
  for (const status of Object.keys(job.statuses)) await page.locator(`#filters input[value="${status}"]`).uncheck();
  await page.waitForFunction((id) => document.getElementById(id).hidden, id);
  await link.click();
  await page.waitForFunction((id) => !document.getElementById(id).hidden, id);
}

/** What is folded opens, by click and by key. */
async function folds(page) {
  const more = page.locator(".more > summary").first();
  const isFolded = await more.count() > 0;
  if (isFolded) {
    await more.click();
    assert.equal(await page.locator(".more[open] .lines > li").first().isVisible(), true);
  }
  const fold = page.locator(`${isFolded ? ".more[open] " : ""}.lines > li details`).first();
  if (await fold.count() === 0) return;
  const place = fold.locator(".places li").first();
  assert.equal(await place.isVisible(), false);
  await fold.locator("summary").click();
  assert.equal(await place.isVisible(), true);
  await fold.locator("summary").press("Enter");
  assert.equal(await place.isVisible(), false);
}

/** The button changes the colours, and names what it would change to. */
async function colours(page) {
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.getByRole("button", { name: "Dark colours" }).click();
  const dark = await ground();
  assert.notEqual(light, dark);
  await page.getByRole("button", { name: "Light colours" }).click();
  assert.equal(await ground(), light);
  await page.emulateMedia({ colorScheme: "dark" });
  assert.equal(await ground(), light, "what was chosen stays");
  await page.emulateMedia({ colorScheme: null });
}

/** Nothing but the elements that the templates have, nothing that leads elsewhere, nothing that runs. */
async function inert(page) {
  const odd = await page.evaluate((tags) => {
    const found = [];
    for (const element of document.querySelectorAll("*")) {
      const name = element.localName;
      if (!tags.includes(name)) found.push(name);
      for (const { name: attribute, value } of element.attributes) {
        if (attribute.startsWith("on") || attribute === "style") found.push(`${name} ${attribute}`);
        if (["href", "src", "action"].includes(attribute) && !value.startsWith("#") && value !== "data:,") found.push(`${name} ${value}`);
      }
    }
    for (const name of ["script", "style", "form", "h1"]) {
      const count = document.querySelectorAll(name).length;
      if (count !== 1) found.push(`${count} ${name}`);
    }
    return found;
  }, [...TAGS]);
  assert.deepEqual(odd, []);
}

/** No width asks for scrolling to the side. */
async function narrow(page) {
  await page.setViewportSize({ width: 390, height: 844 });
  const widths = () => page.evaluate(() => [document.scrollingElement.scrollWidth, innerWidth]);
  const [closed, width] = await widths();
  assert.equal(closed, width, "scrolls to the side on a phone");
  // Of a page with thousands of folds some speak for all.
  await page.evaluate(() => [...document.querySelectorAll("details")].slice(0, 400).forEach((fold) => { fold.open = true; }));
  const [opened] = await widths();
  assert.equal(opened, width, "scrolls to the side on a phone with everything unfolded");
  await page.evaluate(() => document.querySelectorAll("details[open]").forEach((fold) => { fold.open = false; }));
  await page.setViewportSize({ width: 1200, height: 900 });
}

/** Paper shows what is folded, light, and nothing to click. */
async function paper(page) {
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  for (const name of ["nav", "#filters", "#theme"]) {
    assert.equal(await page.locator(name).isVisible(), false, `${name} on paper`);
  }
  const folded = await page.evaluate(() => {
    const folds = [...document.querySelectorAll("details:not([open])")].slice(0, 400);
    const printed = folds.filter((fold) => fold.checkVisibility());
    if (printed.length === 0) return ["nothing that folds is printed"];
    return printed.filter((fold) => fold.lastElementChild.getBoundingClientRect().height === 0).map((fold) => fold.outerHTML.slice(0, 200));
  });
  assert.deepEqual(folded, [], "folded on paper");
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(255, 255, 255)");
  await page.emulateMedia({ media: null, colorScheme: null });
}

/** People who do not see, or see little. */
async function accessible(page, looks) {
  for (const look of looks) {
    await page.emulateMedia({ colorScheme: look === "dark" ? "dark" : "light" });
    await page.setViewportSize({ width: look === "phone" ? 390 : 1200, height: 900 });
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
      resultTypes: ["violations"],
    }));
    const told = violations.map(({ id, help, nodes }) => `${id}: ${help}\n${nodes.slice(0, 5).map((node) => `  ${node.html}\n  ${node.failureSummary}`).join("\n")}`);
    assert.deepEqual(told, [], `axe, ${look}`);
  }
}

for (const job of JSON.parse(readFileSync(process.argv[2], "utf8"))) {
  try {
    const { page, events, took } = await open(context, job.page);
    // Colours are asked about first: the button keeps what was chosen for as long as the page is open.
    await accessible(page, job.axe);
    await page.setViewportSize({ width: 1200, height: 900 });
    await page.emulateMedia({ colorScheme: "light" });
    await inert(page);
    await narrow(page);
    await filters(page, job);
    await folds(page);
    await links(page, job);
    await paper(page);
    await page.emulateMedia({ colorScheme: "light" });
    await colours(page);
    assert.deepEqual(await page.evaluate(() => globalThis.violations), []);
    assert.deepEqual(events, []);
    const title = await page.title();
    await page.close();

    const bare = await context.browser().newContext({ javaScriptEnabled: false }).catch(() => null);
    assert.ok(bare, "a context without script");
    const plain = await open(bare, job.page, { withoutScript: true });
    assert.equal(await plain.page.locator("#filters").isVisible(), false);
    assert.equal(await plain.page.locator("#theme").isVisible(), false);
    assert.equal(await plain.page.locator(".lines > li").count(), job.findings);
    assert.equal(await plain.page.locator(".chapter .check").first().isVisible(), job.findings > 0);
    assert.deepEqual(plain.events, []);
    await bare.close();
    console.log(`${JSON.stringify(title.slice(0, 60))}: ${job.findings} findings, shown after ${took} ms`);
  } catch (error) {
    console.error(`${job.page}: ${error.stack}`);
    process.exitCode = 1;
  }
}
await context.close();
rmSync(profile, { recursive: true, force: true });
