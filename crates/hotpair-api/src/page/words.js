// Numbers and times as words, and elements without markup from outside.
const pad = (it) => String(it).padStart(2, "0");

// An element. Text is always text: names and values from outside cannot become markup.
export function el(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== "") made.setAttribute(key, value);
  made.append(...children.filter((it) => it !== "" && it != null));
  return made;
}

export function clock(ms) {
  const it = new Date(ms);
  const day = it.toDateString() === new Date().toDateString() ? "" : `${it.getMonth() + 1}/${it.getDate()} `;
  return `${day}${pad(it.getHours())}:${pad(it.getMinutes())}:${pad(it.getSeconds())}`;
}

export function duration(ms) {
  const s = Math.floor(ms / 1000);
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${pad(s % 60)} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${pad(Math.floor(s / 60) % 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor(s / 3600) % 24} h`;
}

// 48 213, with narrow spaces.
export const group = (it) => String(it).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");

export function bytes(it) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  while (it >= 1024 && at < units.length - 1) { it /= 1024; at += 1; }
  return `${at === 0 ? it : it.toFixed(1)} ${units[at]}`;
}

// A tag's value: short, and without characters that trick the reader.
export function shown(value) {
  if (typeof value === "number") return Number.isInteger(value) ? group(value) : String(+value.toPrecision(6));
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const plain = text.replace(/[\p{C}]/gu, (it) => `\\u{${it.codePointAt(0).toString(16)}}`);
  return plain.length > 80 ? `${plain.slice(0, 80)}…` : plain;
}
