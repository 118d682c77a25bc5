"use strict";
// The browser of users. The bytes are described in users.rs.
const PAGE = 20;
const form = document.getElementById("filter");
const list = document.getElementById("list");
const found = document.getElementById("found");
const more = document.getElementById("more");
let header, users, matches = [], shown = 0;

async function unpack() {
  const text = document.getElementById("packed").textContent;
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const all = new Uint8Array(await new Response(stream).arrayBuffer());
  const length = new DataView(all.buffer).getUint32(0, true);
  header = JSON.parse(new TextDecoder().decode(all.subarray(4, 4 + length)));
  let at = 4 + length;
  const number = () => {
    let value = 0, shift = 0, byte;
    do {
      byte = all[at++];
      value |= (byte & 127) << shift;
      shift += 7;
    } while (byte & 128);
    return value >>> 0;
  };
  const numbers = () => Uint32Array.from({ length: number() }, number);
  users = header.users.map((id) => ({
    id,
    history: numbers(),
    targets: numbers(),
    methods: header.methods.map(() => ({ ranking: numbers(), texts: numbers() })),
  }));
}

const textOf = (number) =>
  number < header.items.length ? header.items[number][1] : header.texts[number - header.items.length];

function rank(user, method) {
  return user.methods[method].ranking.findIndex((item) => user.targets.includes(item)) + 1;
}

function outcome(user, method, k) {
  const place = rank(user, method);
  if (place === 0) return "miss";
  return place <= k ? "hit" : "near";
}

function search() {
  const { q, m, k, f } = Object.fromEntries(new FormData(form));
  const words = q.trim().toLowerCase();
  let items = null;
  if (words) {
    items = new Set();
    header.items.forEach(([id, text], number) => {
      if (id.toLowerCase() === words || text.toLowerCase().includes(words)) items.add(number);
    });
  }
  const has = (numbers) => numbers.some((number) => items.has(number));
  matches = users.filter((user) => {
    if (f !== "all" && outcome(user, Number(m), Number(k)) !== f) return false;
    return !words || user.id.toLowerCase().includes(words) || has(user.history) || has(user.targets);
  });
  const hash = new URLSearchParams({ q, m, k, f });
  history.replaceState(null, "", "#users?" + hash);
  list.replaceChildren();
  shown = 0;
  found.textContent = `${matches.length.toLocaleString("en")} of ${users.length.toLocaleString("en")} users`;
  show();
}

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function column(title, kind, numbers, mark) {
  const part = element("div");
  part.append(element("h4", title));
  const lines = element(kind);
  for (const number of numbers) lines.append(element("li", textOf(number), mark(number)));
  if (!numbers.length) lines.append(element("li", "nothing"));
  part.append(lines);
  return part;
}

function card(user) {
  const data = new FormData(form);
  const method = Number(data.get("m")), k = Number(data.get("k"));
  const made = element("article", undefined, "user");
  const title = element("h3", user.id);
  const place = rank(user, method);
  title.append(element("span", place ? `rank ${place}` : "not found", "badge" + (place && place <= k ? " hit" : "")));
  const columns = element("div", undefined, "columns");
  const isTarget = (number) => (user.targets.includes(number) ? "hit" : "");
  columns.append(column("history", "ul", Array.from(user.history).reverse().slice(0, 30), () => ""));
  columns.append(column("bought next", "ul", user.targets, () => "hit"));
  const { ranking, texts } = user.methods[method];
  if (header.methods[method][1]) {
    const targets = Array.from(user.targets, textOf);
    const mark = (number) =>
      (targets.includes(textOf(number)) ? "hit " : "") + (number < header.items.length ? "exact" : "");
    columns.append(column("generated (✓ an item to the letter)", "ol", texts, mark));
  }
  columns.append(column("ranked", "ol", ranking, isTarget));
  made.append(title, columns);
  return made;
}

function show() {
  const next = matches.slice(shown, shown + PAGE);
  list.append(...next.map(card));
  shown += next.length;
  more.hidden = shown >= matches.length;
}

function restore() {
  const [, query] = location.hash.split("?");
  for (const [name, value] of new URLSearchParams(query || "")) {
    if (form.elements[name]) form.elements[name].value = value;
  }
}

unpack().then(() => {
  header.methods.forEach(([name], at) => form.elements.m.append(new Option(name, at)));
  for (const k of [1, 5, 10]) form.elements.k.append(new Option(`rank ≤ ${k}`, k));
  form.elements.k.value = 5;
  restore();
  search();
  form.addEventListener("input", search);
  form.addEventListener("submit", (event) => event.preventDefault());
  more.addEventListener("click", show);
  document.body.dataset.ready = "true";
}).catch((error) => {
  found.textContent = `The users cannot be shown: ${error.message}`;
  throw error;
});
