"use strict";

// Colours: the system's unless someone chooses.
{
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
  const name = () => { button.textContent = isDark() ? "Light colours" : "Dark colours"; };
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    name();
  });
  system.addEventListener("change", name);
  name();
  button.hidden = false;
}

// Filters: what does not fit is hidden, and counted.
{
  const form = document.getElementById("filters");
  const shown = document.getElementById("shown");
  const chapters = [...document.querySelectorAll(".chapter")].map((element) => ({
    element,
    checks: [...element.querySelectorAll(".check")].map((check) => ({
      element: check,
      severity: check.dataset.severity,
      category: check.dataset.category,
      frameworks: new Set(check.dataset.frameworks.split(" ")),
      more: check.querySelector(".more"),
      lines: [...check.querySelectorAll(".lines > li")],
    })),
  }));
  const all = chapters.flatMap((chapter) => chapter.checks).reduce((sum, check) => sum + check.lines.length, 0);

  // The texts of a page with many findings are long: they are taken once, when someone searches.
  const texts = new Map();
  const textOf = (element) => {
    let text = texts.get(element);
    if (text === undefined) {
      text = element.textContent.toLowerCase();
      texts.set(element, text);
    }
    return text;
  };
  const headOf = (check) => {
    const parts = check.element.querySelectorAll(":scope > h4, :scope > .meta, :scope > .fix");
    return [...parts].map(textOf).join("\n");
  };

  const apply = () => {
    const data = new FormData(form);
    const statuses = new Set(data.getAll("status"));
    const [severity, category, framework] = ["severity", "category", "framework"].map((name) => data.get(name));
    const baseline = data.get("baseline") ?? "";
    const text = data.get("text").trim().toLowerCase();
    let count = 0;
    for (const chapter of chapters) {
      let inChapter = 0;
      for (const check of chapter.checks) {
        const fits = (!severity || check.severity === severity)
          && (!category || check.category === category)
          && (!framework || check.frameworks.has(framework));
        const byHead = fits && (text === "" || headOf(check).includes(text));
        let inCheck = 0;
        let folded = 0;
        for (const line of check.lines) {
          const wanted = fits
            && statuses.has(line.dataset.status)
            && (baseline === "" || line.dataset.baseline === baseline)
            && (byHead || textOf(line).includes(text));
          line.hidden = !wanted;
          if (wanted) {
            inCheck += 1;
            folded += check.more?.contains(line) ? 1 : 0;
          }
        }
        check.element.hidden = inCheck === 0;
        if (check.more) {
          check.more.hidden = folded === 0;
          check.more.querySelector(".n").textContent = folded;
          // What was searched for is not left folded away.
          check.more.open ||= text !== "" && !byHead && folded > 0;
        }
        count += inCheck;
        inChapter += inCheck;
      }
      chapter.element.hidden = inChapter === 0;
    }
    shown.textContent = count === all ? `${all} findings` : `${count} of ${all} findings`;
  };

  let waiting;
  form.addEventListener("input", (event) => {
    clearTimeout(waiting);
    waiting = setTimeout(apply, event.target.name === "text" ? 150 : 0);
  });
  // The fields have their first values again only after this event.
  form.addEventListener("reset", () => { setTimeout(apply); });
  form.addEventListener("submit", (event) => { event.preventDefault(); });

  // A link to what is filtered away shows it.
  const reveal = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (target?.closest(".check[hidden]")) {
      form.reset();
      setTimeout(() => target.scrollIntoView());
    }
    if (target instanceof HTMLDetailsElement) {
      target.open = true;
    }
  };
  addEventListener("hashchange", reveal);
  form.hidden = false;
  // A browser may have kept what was chosen before the page was loaded again.
  apply();
  reveal();
}
