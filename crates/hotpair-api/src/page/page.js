// The status page: what is known, drawn; link.js brings it, trend.js draws the curves.
import { ask, Link } from "./link.js";
import { Trend } from "./trend.js";
import { clock, duration, el, group, bytes, shown } from "./words.js";

const $ = (id) => document.getElementById(id);
const EVENTS_MAX = 30;
const TAG_ROWS_MAX = 300;
const FRESH_MS = 900;

// Colour, shape and display name of a state.
const LOOKS = {
  "determining-failover-status": ["busy", "?", "Determining Failover Status"],
  "active": ["active", "●", "Active"],
  "active-standby-not-available": ["active", "◐", "Active - Standby not Available"],
  "standby-not-ready": ["bad", "■", "Standby - Not Ready"],
  "standby-syncing-with-active": ["busy", "◔", "Standby - Sync'ng with Active"],
  "standby-syncing-code": ["busy", "◑", "Standby - Syncing Code"],
  "standby-syncing-data": ["busy", "◕", "Standby - Syncing Data"],
  "standby-ready": ["ready", "◆", "Standby - Ready"],
  "standby-missed-heartbeats": ["busy", "▲", "Standby - Missed Heartbeats"],
  "switching-to-active": ["busy", "↑", "Switching to Active"],
  "switching-to-standby": ["busy", "↓", "Switching to Standby"],
  "failed": ["bad", "✕", "Failed"],
  "unknown": ["none", "?", "Unknown"],
};
const CHANNELS = {
  "up": ["active", "up"], "missing": ["busy", "beats missing"], "not-heard": ["bad", "one-way: we are not heard"],
  "down": ["bad", "down"], "connecting": ["busy", "connecting"], "refused": ["bad", "refused"],
};

const state = { status: null, engine: null, tags: new Map(), events: new Map(), link: "wait", source: null, lostAt: 0 };
const trend = new Trend($("trend"), () => state.events.values());

const link = new Link({
  status(status, source) {
    state.status = status;
    state.source = source;
    if (!state.engine || !status.engines.some((it) => it.name === state.engine)) {
      state.engine = status.engines[0]?.name ?? null;
    }
    draw();
  },
  tag(tag) {
    state.tags.set(tag.path, { ...tag, seen: Date.now() });
    trend.add(tag);
    later();
  },
  removed(path) {
    state.tags.delete(path);
    trend.forget(path);
    later();
  },
  event(event) {
    state.events.set(`${state.source}#${event.number}`, event);
    for (const key of [...state.events.keys()].slice(0, -4 * EVENTS_MAX)) state.events.delete(key);
    later();
  },
  began() { state.tags.clear(); },
  state(word, lostAt) {
    state.link = word;
    state.lostAt = lostAt;
    draw();
  },
  engine: () => state.engine,
});

let waiting = false;
function later() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; drawTags(); drawEvents(); trend.draw(); });
}

function draw() {
  const { status } = state;
  $("link").dataset.link = state.link;
  $("link").querySelector("b").textContent =
    { live: "live", wait: "connecting", lost: "connection lost" }[state.link];
  document.querySelector("main").classList.toggle("old", state.link === "lost");
  const engine = status?.engines.find((it) => it.name === state.engine);
  drawBanners(status, engine);
  if (!engine) return;
  const [left, right] = sides(status, engine);
  document.title = `${left.word} / ${right.word} – hotpair`;
  $("title").textContent = `${left.name} ⇄ ${right.name}`;
  $("facts").textContent =
    `mode ${status.mode} · hotpair ${status.version} · ${clock(status.at_ms)} on ${status.node}`;
  drawEngines(status);
  drawNode($("left"), left);
  drawNode($("right"), right);
  $("channels").replaceChildren(...["redundancy", "primary"].map((it) => channel(it, status.channels[it])));
  drawSync(engine.sync);
  drawSwitch(status, engine);
  later();
}

// Both nodes, the master of the engine at the left, whoever tells.
function sides(status, engine) {
  const own = {
    name: status.node, designation: engine.designation, state: engine.state ?? "unknown",
    word: engine.state ? engine.state_name : "Undeployed", epoch: engine.epoch, positions: engine.positions,
    active: engine.active_for_ms, since: engine.in_state_for_ms, url: status.api, told: true, marks: engine.marks,
    outputs: status.outputs, services: status.services,
  };
  const partner = {
    name: status.partner, designation: engine.designation === "master" ? "backup" : "master",
    state: engine.partner_state, word: engine.partner_state_name, epoch: engine.partner?.epoch,
    positions: engine.partner?.positions, active: engine.partner?.active_for_ms, url: status.partner_api,
    heard: engine.partner?.heard_ms_ago, told: false, behind: own.positions,
  };
  return own.designation === "master" ? [own, partner] : [partner, own];
}

function drawNode(card, it) {
  const [kind, mark] = LOOKS[it.state] ?? ["none", "?"];
  card.dataset.kind = kind;
  const since = it.active != null ? `active for ${duration(it.active)}`
    : it.since != null ? `for ${duration(it.since)}`
    : it.heard != null ? `heard ${duration(it.heard)} ago` : "never heard";
  const here = it.url && new URL(it.url).host === location.host;
  const facts = [["epoch", it.epoch ?? "–", "big"]];
  for (const journal of ["config", "runtime"]) {
    const position = it.positions?.[journal];
    const behind = it.behind && position && it.state !== "standby-ready" ? it.behind[journal].sequence - position.sequence : 0;
    const words = position ? group(position.sequence) + (behind > 0 ? ` (${group(behind)} behind)` : "") : "–";
    facts.push([`${journal} entries`, words, "big"]);
  }
  const marks = Object.entries(it.marks ?? {}).filter((mark) => mark[1]).map((mark) => mark[0].replace("_", "-"));
  facts.push(["marks", it.told ? marks.join(", ") || "none" : "–", ""]);
  if (it.outputs) facts.push(["fencing", it.outputs.fencing, ""]);
  for (const { address, state } of it.outputs?.addresses ?? []) facts.push([address, state, ""]);
  for (const { name, state } of it.services ?? []) facts.push([`service ${name}`, state, ""]);
  card.replaceChildren(
    el("div", { class: "state" },
      el("div", { class: "who" }, el("b", {}, it.name), el("span", {}, it.designation)),
      el("div", { class: "name" }, el("i", { "aria-hidden": "true" }, mark), el("span", {}, it.word)),
      el("p", { class: "since" }, since)),
    el("dl", {}, ...facts.flatMap(([name, value, look]) => [el("dt", {}, name), el("dd", { class: look }, value)])),
    el("p", { class: "open" }, here ? "this page" : it.url ? el("a", { href: it.url }, `open the page of ${it.name}`) : "its page is served on its own host"),
  );
}

function channel(name, it) {
  const [kind, word] = CHANNELS[it.health] ?? ["busy", it.health];
  const trip = it.round_trip_us == null ? "" : it.round_trip_us < 1000 ? `${it.round_trip_us} µs` : `${(it.round_trip_us / 1000).toFixed(1)} ms`;
  const missed = it.missed > 0 ? `${it.missed} of ${it.missed_max} beats missed` : `no beat missing now, ${group(it.missed_total)} so far`;
  return el("div", { class: "channel", "data-kind": kind },
    el("h3", {}, name, el("small", {}, [it.carries_data ? "carries data" : "stands by", it.required && "required"].filter(Boolean).join(" · "))),
    el("div", { class: "wire" }),
    el("p", { class: "word" }, word + (trip && it.health === "up" ? ` · ${trip}` : "")),
    el("p", {}, it.detail ?? missed));
}

function drawEngines(status) {
  const many = status.engines.length > 1 ? status.engines : [];
  $("engines").replaceChildren(...many.map((it) => {
    const button = el("button", { type: "button", "aria-pressed": String(it.name === state.engine) }, it.name);
    button.onclick = () => { state.engine = it.name; state.tags.clear(); state.events.clear(); trend.clear(); link.again(); draw(); };
    return button;
  }));
}

function drawBanners(status, engine) {
  const rows = [];
  const own = status?.node ?? "this node";
  if (state.link === "lost") {
    rows.push(["bad", "No connection", `Nothing is heard of ${own} since ${clock(state.lostAt)}, nor of its partner. What is shown is old.`]);
  } else if (link.elsewhere()) {
    rows.push(["bad", "Following the partner", `${link.ownName() ?? location.host} does not answer since ${clock(state.lostAt)}. This page now shows what ${own} says.`]);
  }
  if (engine) {
    if (engine.isolated) rows.push(["bad", "Isolated", `${own} is active and hears nothing of ${status.partner}, which may be active as well.`]);
    if (engine.marks.unverified) rows.push(["bad", "Unverified", `${own} started alone and became active without proof that ${status.partner} is not newer.`]);
    if (engine.divergence_entries > 0) rows.push(["bad", "Divergence kept", `${group(engine.divergence_entries)} entries lost a conflict and wait for a decision: hotpair divergence list.`]);
    if (engine.suspended) rows.push(["", "Suspended", engine.suspended.text]);
    if (engine.paused) rows.push(["", "Paused", "No automatic change of role: takeover by proof or silence is off until resumed."]);
    if (engine.degraded) rows.push(["", "Degraded", "Writes are acknowledged without the standby. One more fault can lose them."]);
    if (engine.grant?.frozen) rows.push(["", "Roles frozen", `${own} acts without the arbiter's grant as long as ${status.partner} acknowledges; no role changes before the arbiter answers.`]);
    if (engine.grant?.by_person) rows.push(["bad", "Without a grant", `A person promoted ${own} while the arbiter was away: nobody else can say that ${status.partner} does not act as well.`]);
    if (engine.waiting_for) rows.push(["calm", "Waiting", engine.waiting_for.text]);
  }
  for (const alarm of status?.alarms ?? []) rows.push(["", "Alarm", `${alarm.text} (since ${clock(alarm.since_ms)})`]);
  $("banners").replaceChildren(...rows.map(([kind, word, text]) =>
    el("p", { class: `banner ${kind}` }, el("b", {}, word), el("span", {}, text))));
}

function drawSync(sync) {
  $("sync").hidden = !sync;
  if (!sync) return;
  const part = sync.bytes_total > 0 ? Math.min(1, sync.bytes_done / sync.bytes_total) : 0;
  const bar = el("div", {});
  bar.style.width = `${100 * part}%`;
  const left = sync.left_ms == null ? "" : ` · ${duration(sync.left_ms)} left`;
  $("sync").replaceChildren(
    el("p", {}, el("b", {}, `Synchronising: ${sync.phase}`),
      el("span", {}, `${(100 * part).toFixed(0)} % · ${bytes(sync.bytes_done)} of ${bytes(sync.bytes_total)} · ${bytes(sync.bytes_per_second)}/s${left}`)),
    el("div", { class: "track", role: "progressbar", "aria-valuenow": String(Math.round(100 * part)) }, bar));
}

function reasons(list) {
  return el("ul", { class: "reasons" }, ...list.map((it) => el("li", {}, it.text, evidence(it.evidence))));
}

function evidence(list) {
  const words = (list ?? []).map((it) => `${it.name}: ${it.value}${it.limit == null ? "" : ` (limit ${it.limit})`}`);
  return el("div", { class: "evidence" }, words.join(" · "));
}

function drawSwitch(status, engine) {
  const free = engine.blockers.length === 0;
  $("switch").replaceChildren(
    el("p", { class: "word" }, free ? "✓ A switchover is possible now" : "✕ A switchover is blocked"),
    free ? el("p", { class: "quiet" }, "Planned, nothing lost. The forecast is shown first.") : reasons(engine.blockers));
  // The partner takes commands from its own page alone.
  const here = state.link === "live" && !link.elsewhere();
  $("switchover").disabled = !free || !here;
  $("pause").disabled = !here;
  $("pause").textContent = engine.paused ? "Resume…" : "Pause…";
}

function drawEvents() {
  const own = [...state.events.entries()].filter((it) => it[0].startsWith(`${state.source}#`)).map((it) => it[1]);
  const rows = own.sort((a, b) => b.number - a.number).slice(0, EVENTS_MAX);
  $("events").replaceChildren(...rows.map((it) => {
    const name = (id) => LOOKS[id]?.[2] ?? id;
    const change = it.from && it.to && it.from !== it.to ? el("p", {}, `${name(it.from)} → ${name(it.to)}`) : "";
    const epochs = it.epoch_before === it.epoch_after ? "" : ` · epoch ${it.epoch_before} → ${it.epoch_after}`;
    return el("li", {},
      el("p", { class: "head" }, el("b", {}, it.text), el("time", {}, clock(it.at_ms))),
      change,
      el("p", { class: "evidence" }, `${it.rule ? `rule ${it.rule}` : it.cause}${epochs}${it.by ? ` · by ${it.by}` : ""}`),
      evidence(it.evidence));
  }));
  if (rows.length === 0) $("events").replaceChildren(el("li", { class: "quiet" }, "Nothing has changed yet."));
}

function drawTags() {
  const words = $("filter").value.toLowerCase();
  const now = Date.now();
  const all = [...state.tags.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  const rows = all.filter((it) => it.path.toLowerCase().includes(words));
  $("tag-count").textContent = rows.length > TAG_ROWS_MAX ? `${TAG_ROWS_MAX} of ${group(all.length)}` : group(all.length);
  $("no-tags").hidden = all.length > 0;
  $("tags").hidden = all.length === 0;
  trend.choose(all);
  $("tags").tBodies[0].replaceChildren(...rows.slice(0, TAG_ROWS_MAX).map((it) => {
    const look = (trend.has(it.path) ? "picked " : "") + (now - it.seen < FRESH_MS && it.sequence > 0 ? "fresh" : "");
    const row = el("tr", { class: look, tabindex: "0" },
      el("td", {}, it.path),
      el("td", { class: `value number${typeof it.value === "string" ? " text" : ""}` }, shown(it.value), it.unit && it.unit !== "1" ? el("small", {}, ` ${it.unit}`) : ""),
      el("td", { class: it.quality }, it.quality),
      el("td", { class: "number" }, it.timestamp > 0 ? clock(it.timestamp) : "–"),
      el("td", { class: "number" }, group(it.sequence)));
    row.onclick = () => { trend.toggle(it); later(); };
    row.onkeydown = (key) => { if (key.key === "Enter") row.onclick(); };
    return row;
  }));
}

// A question with a forecast or a warning; true when the person says yes.
function confirmed(title, ...content) {
  const dialog = $("dialog");
  dialog.querySelector("h2").textContent = title;
  dialog.querySelector("div").replaceChildren(...content);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) => { dialog.onclose = () => done(dialog.returnValue === "yes"); });
}

async function command(path, title, words) {
  const where = `${path}?engine=${encodeURIComponent(state.engine)}`;
  const answer = await ask(link.base, where, "POST");
  if (answer.ok) return;
  await confirmed(`${title}: refused`, el("p", {}, answer.body?.detail ?? words), reasons(answer.body?.reasons ?? []));
}

$("switchover").onclick = async () => {
  const where = `/api/v1/switchover?dry_run=true&engine=${encodeURIComponent(state.engine)}`;
  const { ok, body } = await ask(link.base, where, "POST");
  if (!ok) {
    await confirmed("Switch over: refused", el("p", {}, body?.detail ?? "no answer"), reasons(body?.reasons ?? []));
    return;
  }
  const it = body.forecast;
  const words = it ? [el("p", {}, `Nobody takes writes for about ${it.gap_ms.toFixed(1)} ms; about ${group(it.held_writes)} writes are held and answered after it; ${group(it.lost_entries)} entries are lost.`), el("p", { class: "quiet" }, it.text)] : [el("p", {}, body.text)];
  if (await confirmed("Switch over now?", ...words)) await command("/api/v1/switchover", "Switch over", "no answer");
};
$("pause").onclick = async () => {
  const paused = state.status.engines.find((it) => it.name === state.engine)?.paused;
  const text = paused ? "Automatic changes of role come back; silence is counted anew." : "No automatic change of role until resumed: if the active dies now, nobody takes over.";
  if (await confirmed(paused ? "Resume?" : "Pause?", el("p", {}, text))) await command(paused ? "/api/v1/resume" : "/api/v1/pause", "Pause", "no answer");
};
$("filter").oninput = later;
setInterval(() => { if (state.status) draw(); }, 1000);
link.begin();
