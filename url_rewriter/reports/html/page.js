"use strict";
(() => {
  // `all`: what there is beyond the rows of this page, where they are a sample.
  const { columns, all, rest, meanings, rules } = JSON.parse(document.getElementById("data").textContent);
  const total = columns.document.length;
  const byId = (id) => document.getElementById(id);
  const number = new Intl.NumberFormat("en-US");

  // -- texts ---------------------------------------------------------------------------------
  // A document's text only ever becomes a text node: what cannot be seen, or turns the direction
  // of what can, is spelled out.
  const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|[\u{e0000}-\u{e0fff}]/gu;
  const spelled = (char) => {
    const code = char.codePointAt(0);
    return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, "0")}`;
  };
  const make = (tag, name, ...children) => {
    const element = document.createElement(tag);
    if (name) element.className = name;
    element.append(...children);
    return element;
  };
  // Letters that are read from right to left turn the text between marks around, never the marks:
  // the first part of a path stays the first.
  const LEFTWARD = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]|[\u{10800}-\u{10fff}]|[\u{1e800}-\u{1efff}]/u;
  const ordered = (text) => LEFTWARD.test(text)
    ? text.split(/([/.,:;?&=#`\[\]]+)/).map((part, at) => at % 2 ? part : make("bdi", "", part))
    : [text];
  const safe = (text) => {
    const parts = document.createDocumentFragment();
    let at = 0;
    for (const match of text.matchAll(UNSAFE)) {
      parts.append(...ordered(text.slice(at, match.index)), make("span", "spelled", spelled(match[0])));
      at = match.index + match[0].length;
    }
    parts.append(...ordered(text.slice(at)));
    return parts;
  };

  const get = (name, row) => {
    const column = columns[name];
    return Array.isArray(column) ? column[row] : column.values[column.rows[row]];
  };

  // -- filters -------------------------------------------------------------------------------
  const FILTERS = [
    ["gate", "Stands against"], ["status", "Status"], ["rule", "Rule"], ["collection", "Collection"], ["form", "Form"],
    ["source_bucket", "Bucket"], ["outcome", "Outcome"], ["remarks", "Finding"],
  ];
  const ANY = "any"; // of the gates
  const filter = { q: "" };
  let sort = "", descending = false, rows = [], active = -1, haystack = null;

  const choices = (name) => {
    const plain = all ? all.choices[name] : here(name);
    const against = plain.reduce((sum, [, count]) => sum + count, 0);
    return name === "gate" && against ? [[ANY, against], ...plain] : plain;
  };
  const here = (name) => {
    const { values, counts } = columns[name];
    if (name !== "remarks") return values.map((value, at) => [value, counts[at]]).filter(([value]) => value);
    const found = new Map();
    values.forEach((value, at) => {
      for (const code of value.split(" ")) found.set(code, (found.get(code) || 0) + counts[at]);
    });
    found.delete("");
    return [...found].sort((a, b) => b[1] - a[1]);
  };

  const selects = new Map();
  for (const [name, title] of FILTERS) {
    const options = choices(name);
    if (!options.length) continue;
    const select = make("select", "", make("option", "", "all"));
    select.firstChild.value = "";
    select.setAttribute("aria-label", title);
    for (const [value, count] of options.slice(0, 500)) {
      const option = make("option", "", safe(value === ANY && name === "gate" ? "any gate" : value), ` (${number.format(count)})`);
      option.value = value;
      select.append(option);
    }
    select.addEventListener("change", () => { filter[name] = select.value; changed(); });
    byId("selects").append(make("label", "", make("span", "", title), select));
    selects.set(name, select);
  }

  const lowered = () => {
    haystack ??= Array.from({ length: total }, (_, row) =>
      [get("document", row), get("field", row), get("old", row), get("new", row),
        get("source_key", row), get("target_key", row)].join("\n").toLowerCase());
    return haystack;
  };

  const tests = () => FILTERS.filter(([name]) => filter[name]).map(([name]) => {
    const { values, rows: codes } = columns[name];
    const wanted = new Uint8Array(values.length);
    values.forEach((value, at) => {
      if (name === "remarks") wanted[at] = value.split(" ").includes(filter[name]);
      else wanted[at] = name === "gate" && filter[name] === ANY ? value !== "" : value === filter[name];
    });
    return (row) => wanted[codes[row]];
  });

  const URGENCY = ["missing", "unknown", "mismatch", "waived", "unmapped", "unreachable", "left", "rewrite", "migrated"];
  const COLUMNS = [["status", "Status"], ["document", "Document and field"], ["old", "Old and new URL"], ["rule", "Rule"]];
  const urgency = columns.status.values.map((value) => URGENCY.indexOf(value));

  const select = () => {
    const test = tests();
    const words = filter.q.toLowerCase().split(/\s+/).filter(Boolean);
    const texts = words.length ? lowered() : null;
    rows = [];
    for (let row = 0; row < total; row++) {
      if (test.every((each) => each(row)) && words.every((word) => texts[row].includes(word))) rows.push(row);
    }
    order();
  };

  const order = () => {
    const sign = descending ? -1 : 1;
    const status = columns.status.rows;
    const urgent = (row) => columns.urgency[row] * 10 + urgency[status[row]];
    if (!sort || sort === "status") rows.sort((a, b) => sign * (urgent(a) - urgent(b)) || a - b);
    else {
      const key = Array.isArray(columns[sort]) ? columns[sort] : columns[sort].rows.map((code) => columns[sort].values[code]);
      rows.sort((a, b) => (key[a] < key[b] ? -sign : key[a] > key[b] ? sign : a - b));
    }
  };

  // -- the list ------------------------------------------------------------------------------
  const viewport = byId("viewport"), spacer = byId("spacer"), grid = byId("grid");
  const PRINTED = 300;
  const height = () => parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--row"));
  let rowHeight = height();

  const line = (text) => { const p = make("p", "", safe(text)); p.title = text; return p; };
  const drawRow = (place) => {
    const row = rows[place];
    const fresh = get("new", row);
    const outcome = get("outcome", row);
    const status = get("status", row);
    const element = make("div", place === active ? "row active" : "row",
      make("div", "", make("span", `tag t-${status}`, status)),
      make("div", "places", line(get("document", row)), line(get("field", row))),
      make("div", "urls", line(get("old", row) || get("remarks", row)), line(fresh || why(row))),
      make("div", "rule", make("p", "rule", safe(get("rule", row))), ...(outcome ? [make("p", "rule", make("span", `tag t-${outcome}`, said(row)))] : [])));
    element.id = `row-${place}`;
    element.style.transform = `translateY(${place * rowHeight}px)`;
    element.setAttribute("role", "row");
    element.setAttribute("aria-rowindex", place + 2);
    element.setAttribute("aria-selected", place === active);
    for (const cell of element.children) cell.setAttribute("role", "gridcell");
    element.addEventListener("click", () => { move(place); open(); });
    return element;
  };
  const said = (row) => {
    const undone = get("operation", row) === "rollback";
    const outcome = get("outcome", row);
    return undone ? (outcome === "written" ? "put back" : `rollback: ${outcome}`) : outcome;
  };
  const why = (row) => {
    const remarks = get("remarks", row).split(" ");
    return get("detail", row) || meanings[remarks[0]] || { unmapped: "no rule takes it", migrated: "already migrated" }[get("status", row)] || get("state", row);
  };

  const draw = (all) => {
    const count = all ? Math.min(rows.length, PRINTED) : Math.ceil((viewport.clientHeight || 600) / rowHeight) + 12;
    const first = all ? 0 : Math.max(0, Math.floor(viewport.scrollTop / rowHeight) - 6);
    const drawn = [];
    for (let place = first; place < Math.min(rows.length, first + count); place++) drawn.push(drawRow(place));
    spacer.replaceChildren(...drawn);
    if (!rows.length) spacer.append(make("p", "nothing", total ? "No URL meets these filters." : "No URLs were found."));
    if (active >= 0) grid.setAttribute("aria-activedescendant", `row-${active}`);
    else grid.removeAttribute("aria-activedescendant");
  };
  const layout = () => {
    rowHeight = height();
    spacer.style.height = rows.length ? `${rows.length * rowHeight}px` : "";
    grid.setAttribute("aria-rowcount", rows.length + 1);
    draw();
  };
  let waiting = false;
  viewport.addEventListener("scroll", () => {
    if (!waiting) requestAnimationFrame(() => { waiting = false; draw(); });
    waiting = true;
  }, { passive: true });
  addEventListener("resize", layout);
  addEventListener("beforeprint", () => {
    spacer.style.height = "";
    draw(true);
    byId("printed").textContent = rows.length > PRINTED ? `The first ${number.format(PRINTED)} of ${number.format(rows.length)} rows are printed.` : "";
  });
  addEventListener("afterprint", layout);

  // Few filters fit on a narrow screen: there they are folded away, unless one of them is set.
  const fold = byId("fold"), narrow = matchMedia("(max-width: 720px)");
  const refold = () => { fold.open = !narrow.matches; };
  narrow.addEventListener("change", refold);
  refold();

  // Of a sample: how many of all rows are here, as far as one filter alone can tell.
  const countSample = (filtered) => {
    const set = Object.entries(filter).filter(([, value]) => value);
    if (!filtered) return `${number.format(total)} of ${number.format(all.total)} rows${rest ? `, the rest in ${rest}` : ""}`;
    if (set.length > 1 || filter.q) return `${number.format(rows.length)} of the ${number.format(total)} rows in this page`;
    const [[name, value]] = set;
    const known = choices(name).find(([each]) => each === value);
    return `${number.format(rows.length)} of ${number.format(known ? known[1] : 0)} such rows are in this page`;
  };

  // A reader of the screen hears how many rows are left once typing pauses, not at each letter.
  let announcing = 0;
  const announce = (text) => {
    clearTimeout(announcing);
    announcing = setTimeout(() => { byId("announced").textContent = text; }, 500);
  };

  const show = () => {
    select();
    active = -1;
    viewport.scrollTop = 0;
    const filtered = Object.values(filter).some(Boolean);
    const count = all ? countSample(filtered) : filtered ? `${number.format(rows.length)} of ${number.format(total)} rows` : `${number.format(total)} ${total === 1 ? "row" : "rows"}`;
    byId("count").textContent = count;
    announce(count);
    const set = FILTERS.filter(([name]) => filter[name]).length;
    byId("set").textContent = set ? `, ${set} set` : "";
    byId("clear").hidden = !filtered;
    byId("q").value = filter.q;
    for (const [name, element] of selects) {
      element.value = filter[name] || "";
      element.classList.toggle("set", Boolean(filter[name]));
    }
    for (const cell of byId("head").children) {
      if (cell.dataset.sort === sort) cell.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    }
    layout();
  };

  // -- the filter is kept in the address ------------------------------------------------------
  const changed = () => {
    const kept = new URLSearchParams();
    for (const [name, value] of Object.entries(filter)) if (value) kept.set(name, value);
    if (sort) kept.set("sort", (descending ? "-" : "") + sort);
    history.replaceState(null, "", `#${kept.toString() || "urls"}`);
    show();
  };
  const fromAddress = () => {
    const hash = location.hash.slice(1);
    const kept = new URLSearchParams(hash.includes("=") ? hash : "");
    for (const name of ["q", ...FILTERS.map(([each]) => each)]) filter[name] = kept.get(name) || "";
    const wanted = kept.get("sort") || "";
    descending = wanted.startsWith("-");
    sort = COLUMNS.some(([name]) => name === wanted.replace("-", "")) ? wanted.replace("-", "") : "";
    show();
    if (hash.includes("=")) byId("urls").scrollIntoView();
  };
  addEventListener("hashchange", () => { if (location.hash.includes("=")) fromAddress(); });

  for (const [name, title] of COLUMNS) {
    const button = make("button", "", title);
    button.type = "button";
    button.addEventListener("click", () => {
      [sort, descending] = sort !== name ? [name, false] : descending ? ["", false] : [name, true];
      changed();
    });
    const cell = make("div", "", button);
    cell.setAttribute("role", "columnheader");
    cell.dataset.sort = name;
    byId("head").append(cell);
  }

  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("q").addEventListener("input", (event) => { filter.q = event.target.value; changed(); });
  byId("clear").addEventListener("click", () => {
    for (const name of Object.keys(filter)) filter[name] = "";
    changed();
    byId("q").focus();
  });

  // -- keyboard ------------------------------------------------------------------------------
  const move = (place) => {
    if (!rows.length) return;
    active = Math.max(0, Math.min(rows.length - 1, place));
    const top = active * rowHeight;
    if (top < viewport.scrollTop) viewport.scrollTop = top;
    else if (top + rowHeight > viewport.scrollTop + viewport.clientHeight) viewport.scrollTop = top + rowHeight - viewport.clientHeight;
    draw();
  };
  const page = () => Math.max(1, Math.floor(viewport.clientHeight / rowHeight) - 1);
  const KEYS = {
    ArrowDown: () => move(active + 1), ArrowUp: () => move(active - 1), Home: () => move(0), End: () => move(rows.length - 1),
    PageDown: () => move(active + page()), PageUp: () => move(active - page()), Enter: () => active >= 0 && open(),
  };
  grid.addEventListener("keydown", (event) => {
    if (event.target !== grid || !KEYS[event.key]) return;
    event.preventDefault();
    KEYS[event.key]();
  });
  // From the search on: an arrow goes into the list, Enter shows its first row.
  byId("q").addEventListener("keydown", (event) => {
    if ((event.key !== "ArrowDown" && event.key !== "Enter") || !rows.length) return;
    event.preventDefault();
    grid.focus({ preventScroll: true });
    move(0);
    if (event.key === "Enter") open();
  });
  addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT)$/.test(event.target.tagName) || drawer.open) return;
    event.preventDefault();
    byId("q").focus();
  });

  // -- one row in full -----------------------------------------------------------------------
  const drawer = byId("drawer");
  const copyButton = (text, what) => {
    const button = make("button", "copy", "Copy");
    button.type = "button";
    button.title = `Copy the ${what}`;
    button.dataset.copy = text;
    return button;
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("button.copy");
    if (!button) return;
    try { await navigator.clipboard.writeText(button.dataset.copy); button.textContent = "Copied"; } catch { button.textContent = "Not allowed"; }
    setTimeout(() => { button.textContent = "Copy"; }, 1200);
  });

  const differing = (text, other, kind) => {
    let head = 0, tail = 0;
    const least = Math.min(text.length, other.length);
    while (head < least && text[head] === other[head]) head++;
    while (tail < least - head && text.at(-1 - tail) === other.at(-1 - tail)) tail++;
    // Whole segments differ, not the letters that two of them happen to share.
    head = text.lastIndexOf("/", head - 1) + 1;
    const after = text.indexOf("/", text.length - tail);
    tail = tail && after >= 0 ? text.length - after : 0;
    return [safe(text.slice(0, head)), make("mark", kind, safe(text.slice(head, text.length - tail))), safe(text.slice(text.length - tail))];
  };
  const url = (label, text, children, link) => {
    let shown = make("div", "url");
    if (link && /^https?:\/\//i.test(text)) {
      const anchor = make("a", "", ...children);
      anchor.href = text;
      anchor.rel = "noopener noreferrer";
      anchor.target = "_blank";
      shown.append(anchor);
    } else shown.append(...children);
    return [make("div", "label", make("span", "", label), copyButton(text, `${label} URL`)), shown];
  };
  const moment = (text) => text.replace(/^(\S+)T([\d:]+)(\.\d+)?\+00:00$/, "$1 $2 UTC");
  const facts = (pairs) => make("dl", "facts", ...pairs.filter(([, value]) => value !== "" && value !== null).map(([name, value]) =>
    make("div", "", make("dt", "", name), make("dd", "", value instanceof Node ? value : safe(String(value))))));
  const group = (title, pairs) => pairs.some(([, value]) => value !== "" && value !== null) ? [make("h3", "", title), facts(pairs)] : [];

  const open = () => {
    const row = rows[active];
    const value = (name) => get(name, row);
    const old = value("old"), fresh = value("new");
    const title = make("h2", "", safe(value("document")));
    title.id = "drawer-title";
    const close = make("button", "", "Close");
    close.type = "button";
    close.addEventListener("click", () => drawer.close());
    const key = (bucket, name) => value(name) && `${value(bucket)}/${value(name)}`;
    const codes = value("remarks").split(" ").filter(Boolean);
    const step = (label, by) => {
      const button = make("button", "", label);
      button.type = "button";
      button.disabled = !rows[active + by] && rows[active + by] !== 0;
      button.addEventListener("click", () => { move(active + by); open(); });
      return button;
    };
    drawer.replaceChildren(make("div", "sheet",
      make("header", "", make("div", "", title, make("code", "dim", safe(value("field")))), close),
      make("p", "label", make("span", "", make("span", `tag t-${value("status")}`, value("status")), { 0: " blocks the plan", 1: " was not written", 2: " not proven; its rule says to leave it" }[columns.urgency[row]] || ""), copyButton(value("document"), "document path")),
      ...(old ? url("old", old, fresh ? differing(old, fresh, "out") : [safe(old)], false) : []),
      ...(fresh ? url("new", fresh, differing(fresh, old, "in"), true) : []),
      ...group("Object", [["source", key("source_bucket", "source_key")], ["target", key("target_bucket", "target_key")],
        ["rule", value("rule")], ["moves", rules[value("rule")] || ""], ["form", value("form")], ["inside", value("layer")], ["read as", value("reading")], ["other readings", value("other_readings")]]),
      ...group("Evidence", [["target", value("state") && make("span", `tag t-${value("state")}`, value("state"))], ["because", value("detail")],
        ["asked by", value("method")], ["asked at", moment(value("checked_at"))], ["size", value("size") === null ? "" : `${number.format(value("size"))} bytes`],
        ["ETag", value("etag")], ["content type", value("content_type")],
        ["without credentials", value("access")], ["because", value("access_detail")]]),
      ...group("Source", [["compares as", value("agreement") && make("span", `tag t-${value("agreement")}`, value("agreement"))],
        ["by", value("measure")], ["because", value("comparison_detail")],
        ["its size", value("source_size") === null ? "" : `${number.format(value("source_size"))} bytes`]]),
      ...group("Journal", [["outcome", value("outcome") && make("span", `tag t-${value("outcome")}`, said(row))], ["because", value("why")]]),
      ...group("Findings", codes.map((code) => [code, meanings[code] || code])),
      make("div", "steps", step("Previous", -1), step("Next", 1))));
    if (!drawer.open) drawer.showModal();
    drawer.scrollTop = 0;
  };
  drawer.addEventListener("click", (event) => { if (event.target === drawer) drawer.close(); });
  drawer.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[event.key];
    if (by && rows[active + by] !== undefined) { event.preventDefault(); move(active + by); open(); }
  });
  drawer.addEventListener("close", () => grid.focus({ preventScroll: true }));

  // -- download ------------------------------------------------------------------------------
  const EXPORTED = ["document", "field", "status", "rule", "form", "source_bucket", "source_key", "target_bucket", "target_key",
    "old", "new", "state", "detail", "access", "agreement", "measure", "remarks", "operation", "outcome", "why"];
  // A cell that a spreadsheet would take for a formula gets an apostrophe.
  const cell = (text) => {
    const plain = text.replace(UNSAFE, spelled);
    return `"${(/^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/.test(plain) ? "'" + plain : plain).replaceAll('"', '""')}"`;
  };
  byId("download").addEventListener("click", () => {
    const lines = [EXPORTED.map(cell).join(",")];
    for (const row of rows) lines.push(EXPORTED.map((name) => cell(get(name, row))).join(","));
    const link = make("a");
    link.href = URL.createObjectURL(new Blob([lines.join("\r\n"), "\r\n"], { type: "text/csv" }));
    link.download = `${document.title.split(" · ").at(-1)}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  });

  for (const element of document.querySelectorAll("#filters, .tools, .keys")) element.hidden = !total;
  byId("explorer").hidden = false;
  fromAddress();
  (window.requestIdleCallback || setTimeout)(() => lowered());
})();
