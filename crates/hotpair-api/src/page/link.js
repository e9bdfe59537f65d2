// The connection: follows this node over a WebSocket; when it is lost, tries the partner and back.
const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 4000;
const SILENCE_MS_MAX = 4000;
const ANSWER_MS_MAX = 3000;
const TOKEN = "hotpair-token";

const token = () => sessionStorage.getItem(TOKEN);

// One request; never throws: { ok, status, body }.
export async function ask(base, path, method = "GET") {
  const headers = token() ? { authorization: `Bearer ${token()}` } : {};
  try {
    const answer = await fetch(base + path, { method, headers, cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS_MAX) });
    return { ok: answer.ok, status: answer.status, body: await answer.json().catch(() => null) };
  } catch {
    return { ok: false, status: 0, body: null };
  }
}

function protocols() {
  if (!token()) return ["hotpair"];
  const coded = btoa(token()).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return ["hotpair", `hotpair.token.${coded}`];
}

export class Link {
  constructor(to) {
    this.to = to;
    this.own = location.origin;
    this.base = this.own;
    this.partner = null;
    this.retry = RETRY_MS_MIN;
    this.lostAt = 0;
    this.last = null;
    this.names = new Map();
  }

  elsewhere() { return this.base !== this.own; }
  ownName() { return this.names.get(this.own); }

  begin() {
    this.attempt();
    setInterval(() => {
      if (this.socket?.readyState === WebSocket.OPEN && Date.now() - this.heard > SILENCE_MS_MAX) this.socket.close();
    }, 1000);
    // Back to the own node as soon as it answers again.
    setInterval(async () => {
      if (this.elsewhere() && (await ask(this.own, "/api/v1/status")).ok) { this.base = this.own; this.again(); }
    }, 2000);
  }

  // Starts over: another engine, or another node.
  again() {
    this.last = null;
    const old = this.socket;
    this.socket = null;
    old?.close();
    this.attempt();
  }

  async attempt() {
    const attempt = (this.current = {});
    const { ok, status, body } = await ask(this.base, "/api/v1/status");
    if (attempt !== this.current) return;
    if (status === 401) {
      const given = prompt("The token of this pair (api.token_file):");
      if (given) { sessionStorage.setItem(TOKEN, given.trim()); return this.attempt(); }
    }
    if (!ok) return this.failed();
    this.names.set(this.base, body.node);
    if (!this.elsewhere()) this.partner = body.partner_api ? new URL(body.partner_api).origin : null;
    this.to.status(body, this.base);
    const engine = encodeURIComponent(this.to.engine() ?? "");
    const events = await ask(this.base, `/api/v1/events?last=30&engine=${engine}`);
    if (attempt !== this.current) return;
    for (const it of events.body?.events ?? []) this.to.event(it);
    this.follow(engine, events.body?.next);
  }

  follow(engine, since) {
    const last = this.last ? `&last=${this.last.epoch}:${this.last.sequence}` : "";
    const events = since == null ? "" : `&since_event=${since}`;
    const url = `${this.base.replace(/^http/, "ws")}/api/v1/subscribe?status=true&coalesce_ms=200&engine=${engine}${events}${last}`;
    const socket = new WebSocket(url, protocols());
    this.socket = socket;
    socket.onmessage = ({ data }) => { if (socket === this.socket) this.take(JSON.parse(data)); };
    socket.onclose = ({ code }) => {
      if (socket !== this.socket) return;
      if (code === 4001) this.last = null;
      this.socket = null;
      this.failed();
    };
  }

  take(it) {
    this.heard = Date.now();
    switch (it.kind) {
      case "hello":
        this.retry = RETRY_MS_MIN;
        if (!it.resumed) this.to.began();
        if (!this.elsewhere()) this.lostAt = 0;
        this.to.state("live", this.lostAt);
        break;
      case "status": this.to.status(it.status, this.base); break;
      case "tag":
        if (it.sequence > (this.last?.sequence ?? 0)) this.last = { epoch: it.epoch, sequence: it.sequence };
        this.to.tag(it);
        break;
      case "tag-removed": this.to.removed(it.path); break;
      case "level": this.last = it.position; break;
      case "event": this.to.event(it.event); break;
    }
  }

  failed() {
    this.lostAt ||= Date.now();
    this.to.state(Date.now() - this.lostAt < 600 ? "wait" : "lost", this.lostAt);
    // The other one next time; in turns.
    if (this.partner) this.base = this.elsewhere() ? this.own : this.partner;
    setTimeout(() => { if (!this.socket) this.attempt(); }, this.retry);
    this.retry = Math.min(RETRY_MS_MAX, this.retry * 1.5);
  }
}
