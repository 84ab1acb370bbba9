// src/api.ts
var Refused = class extends Error {
  constructor(status, message, hint) {
    super(message);
    this.status = status;
    this.hint = hint;
  }
  status;
  hint;
};
async function send(path, body) {
  const request = body === void 0 ? {} : {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Bifrons": "1" },
    body: JSON.stringify(body)
  };
  const answer = await fetch(path, request).catch(() => {
    throw new Refused(0, "the studio does not answer", "is `bifrons studio` still running?");
  });
  if (!answer.ok) {
    const { error, hint } = await answer.json().catch(() => ({}));
    throw new Refused(answer.status, error ?? `the studio answered ${answer.status}`, hint ?? null);
  }
  return answer;
}
async function ask(path, body) {
  const answer = await send(path, body);
  if (answer.status === 204) return void 0;
  return await answer.json().catch(() => ({}));
}
async function frame(wanted3) {
  const answer = await send("/api/film/frame", wanted3);
  const mask = answer.headers.get("x-mask");
  return {
    picture: await createImageBitmap(await answer.blob()),
    steady: answer.headers.get("x-steady") === "1",
    mask: mask === null ? null : Number(mask),
    labelled: answer.headers.get("x-labelled") === "1"
  };
}
var api = {
  enter: (secret) => ask("/api/session", { secret }),
  project: () => ask("/api/project"),
  faces: () => ask("/api/faces"),
  face: (id) => ask(`/api/faces/${id}`),
  decide: (decision) => ask("/api/decisions", decision),
  undo: () => ask("/api/undo", {}),
  redo: () => ask("/api/redo", {}),
  start: (kind, minutes) => ask("/api/job", minutes === void 0 ? { kind } : { kind, minutes }),
  convert: (clip2, identity2, matte2) => ask("/api/job", { kind: "convert", film: { clip: clip2, identity: identity2, matte: matte2 } }),
  film: () => ask("/api/film"),
  masks: (clip2) => ask(`/api/film/${clip2}/masks`),
  frame,
  stop: () => ask("/api/job/stop", {}),
  place: (id, points) => ask(`/api/faces/${id}/landmarks`, { points }),
  training: () => ask("/api/training")
};
function listen(hear2, connected) {
  const source = new EventSource("/api/events");
  source.onopen = () => connected(true);
  source.onerror = () => connected(false);
  source.onmessage = (message) => hear2(JSON.parse(message.data));
}

// src/dom.ts
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== void 0 && value !== false) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => Boolean(child) || child === ""));
  return element;
}
function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}
var hiding = 0;
function toast(text, bad = false) {
  const place = byId("toast");
  place.textContent = text;
  place.className = bad ? "toast shown bad" : "toast shown";
  clearTimeout(hiding);
  hiding = window.setTimeout(() => place.classList.remove("shown"), bad ? 9e3 : 3500);
}
function announce(text) {
  byId("live").textContent = text;
}
var thousands = (n) => n.toLocaleString("en");
function clock(seconds) {
  const all = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const two = (n) => String(n).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

// src/adjust.ts
var KNOBS = {
  mask_size: { title: "Mask size", told: "of the face's own outline", step: 0.01 },
  feather: { title: "Feather", told: "width of the mask's soft edge", step: 5e-3 },
  color_match: { title: "Colour match", told: "0 % leaves the identity's colours; at the edge they always meet the footage's", step: 0.05 },
  detail: { title: "Detail", told: "pores, stubble, hairs of the brows, from the identity's own frames", step: 0.05 },
  grain: { title: "Grain", told: "of the grain that the drawn face lacks", step: 0.05 }
};
function makePanel(film2, tried2, chosen, ...buttons) {
  const slider = ({ name, least, most }) => {
    const { title, told: told3, step } = KNOBS[name];
    const input = h("input", { type: "range", id: `knob-${name}`, min: least, max: most, step, title: told3 });
    const now = () => ({ [name]: Number(input.value) });
    input.addEventListener("input", () => {
      byId(`value-${name}`).textContent = percent(Number(input.value), step);
      tried2(now());
    });
    input.addEventListener("change", () => chosen(now()));
    input.addEventListener("dblclick", () => chosen({ [name]: film2.defaults[name] }));
    return h(
      "label",
      { class: "knob" },
      h("span", {}, title),
      h("output", { id: `value-${name}`, for: `knob-${name}` }, ""),
      input
    );
  };
  const tick = (name, title, told3) => {
    const input = h("input", { type: "checkbox", id: `knob-${name}` });
    input.addEventListener("change", () => chosen({ [name]: input.checked }));
    return h("label", { class: "tick", title: told3 }, input, title);
  };
  return h(
    "aside",
    { class: "inspector adjust", "aria-label": "How the face of this shot is put on" },
    h("h2", { id: "shot-name" }, ""),
    h("p", { class: "dim", id: "shot-state" }, ""),
    ...film2.knobs.map(slider),
    tick("keep_in_front", "Keep what is in front", "Hands, glasses, microphones and hair before the face"),
    tick("skip", "Leave this face as filmed", "No new face in this shot (S)"),
    h("div", { class: "buttons" }, ...buttons),
    h("p", { class: "dim" }, "Saved when chosen · U takes it back. Double click on a slider: its default."),
    h("div", { id: "film-job", role: "status" })
  );
}
function fillPanel(film2, settings, name, state2) {
  byId("shot-name").textContent = name;
  byId("shot-state").textContent = state2;
  const shown2 = settings ?? film2.defaults;
  for (const { name: name2 } of film2.knobs) {
    const input = byId(`knob-${name2}`);
    if (!input.matches(":active")) input.value = String(shown2[name2]);
    input.disabled = settings === null || settings.skip;
    byId(`value-${name2}`).textContent = percent(Number(input.value), KNOBS[name2].step);
    input.closest("label")?.classList.toggle("changed", shown2[name2] !== film2.defaults[name2]);
  }
  for (const name2 of ["keep_in_front", "skip"]) {
    const input = byId(`knob-${name2}`);
    input.checked = shown2[name2];
    input.disabled = settings === null || name2 !== "skip" && settings.skip;
    input.closest("label")?.classList.toggle("changed", shown2[name2] !== film2.defaults[name2]);
  }
}
var isDefault = (film2, settings) => Object.keys(film2.defaults).every((name) => settings[name] === film2.defaults[name]);
var percent = (value, step) => `${(100 * value).toFixed(step < 0.01 ? 1 : 0)} %`;

// src/store.ts
var OPEN = 0;
var ACCEPTED = 1;
var REJECTED = 2;
var SORTS = {
  suspicion: { title: "Most suspicious", rising: false },
  frame: { title: "As filmed", rising: true },
  likeness: { title: "Least alike", rising: true },
  sharpness: { title: "Least sharp", rising: true },
  confidence: { title: "Least sure", rising: true },
  jump: { title: "Jumpiest landmarks", rising: false },
  novelty: { title: "Least new", rising: true },
  size_px: { title: "Smallest", rising: true },
  yaw_deg: { title: "Turned left to right", rising: true },
  pitch_deg: { title: "Looking down to up", rising: true },
  mouth: { title: "Mouth most open", rising: false },
  eyes: { title: "Eyes most closed", rising: true },
  covered: { title: "Most covered", rising: false },
  smile: { title: "Widest smile", rising: false },
  brows_up: { title: "Brows most raised", rising: false },
  light: { title: "Darkest", rising: true },
  light_side: { title: "Lit from left to right", rising: true }
};
var GROUPS = {
  none: "Suspicious and rest",
  reason: "Reason",
  track: "Track",
  identity: "Who looks alike"
};
var state = {
  project: null,
  faces: null,
  job: null,
  filters: { person: "", verdict: -1, reason: -1, sort: "suspicion", group: "none" },
  /** Shown now. */
  groups: [],
  /** The same without headings. */
  order: [],
  /** Place in `order`. */
  cursor: 0,
  /** Where a range began. */
  anchor: 0,
  /** Selected faces, by id: they stay selected when the order changes. */
  selected: /* @__PURE__ */ new Set()
};
function know(revision) {
  if (state.faces) state.faces.revision = Math.max(state.faces.revision, revision);
}
var nameOf = (faces, at) => faces.people[faces.person[at] ?? -1] ?? "nobody";
var isSuspicious = (faces, at) => (faces.why[at] ?? []).length > 0;
function matches(faces, at, filters) {
  const { person, verdict, reason } = filters;
  if (person === null && faces.person[at] !== -1) return false;
  if (person && nameOf(faces, at) !== person) return false;
  if (verdict >= 0 && faces.verdict[at] !== verdict) return false;
  const why = faces.why[at] ?? [];
  return reason === -1 || (reason === -2 ? why.length > 0 : why.includes(reason));
}
var trackOf = (faces, at) => (faces.clip[at] ?? 0) * 2 ** 24 + (faces.track[at] ?? 0);
function arrange() {
  const { faces, filters } = state;
  if (!faces) return;
  const under = state.order[state.cursor];
  const id = under === void 0 ? void 0 : faces.id[under];
  const shown2 = [];
  for (let at = 0; at < faces.id.length; at++) if (matches(faces, at, filters)) shown2.push(at);
  const asFilmed = (a, b) => (faces.clip[a] ?? 0) - (faces.clip[b] ?? 0) || (faces.frame[a] ?? 0) - (faces.frame[b] ?? 0) || (faces.track[a] ?? 0) - (faces.track[b] ?? 0);
  const values = faces.measures[filters.sort];
  if (values) {
    const sign = SORTS[filters.sort]?.rising ? 1 : -1;
    const key = (at) => values[at] === null ? Infinity : sign * (values[at] ?? 0);
    shown2.sort((a, b) => key(a) === key(b) ? asFilmed(a, b) : key(a) - key(b));
  } else {
    shown2.sort(asFilmed);
  }
  const groups = /* @__PURE__ */ new Map();
  for (const at of shown2) {
    const [key, title] = groupOf(faces, at, filters);
    const group = groups.get(key);
    if (group) group.faces.push(at);
    else groups.set(key, { title, faces: [at] });
  }
  state.groups = [...groups.entries()].sort(([a], [b]) => filters.group === "reason" ? Number(a) - Number(b) : 0).map(([, group]) => group);
  state.order = state.groups.flatMap((group) => group.faces);
  const again = id === void 0 ? -1 : state.order.findIndex((at) => faces.id[at] === id);
  state.cursor = again >= 0 ? again : Math.min(state.cursor, Math.max(0, state.order.length - 1));
  state.anchor = state.cursor;
}
function groupOf(faces, at, { group, sort }) {
  const clip2 = faces.clip[at] ?? 0;
  const first = (faces.why[at] ?? [])[0];
  switch (group) {
    case "track":
      return [trackOf(faces, at), `Clip ${clip2}, track ${faces.track[at]} · ${nameOf(faces, at)}`];
    case "identity": {
      const identity2 = (faces.identity[at] ?? 0) + 1;
      return [identity2, `Look ${identity2}`];
    }
    case "reason":
      return first === void 0 ? [99, "Nothing suspicious"] : [first, capital(faces.reasons[first] ?? "")];
    case "none":
      if (sort !== "suspicion") return [0, SORTS[sort]?.title ?? "Faces"];
      return first === void 0 ? [1, "Nothing suspicious"] : [0, "Suspicious"];
  }
}
var capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
function meant() {
  const { faces, selected, order, cursor } = state;
  if (!faces) return [];
  const chosen = order.filter((at) => selected.has(faces.id[at] ?? -1));
  if (chosen.length > 0) return chosen;
  const under = order[cursor];
  return under === void 0 ? [] : [under];
}
function groupAtCursor() {
  const under = state.order[state.cursor];
  return under === void 0 ? void 0 : state.groups.find((group) => group.faces.includes(under));
}
function tracksOf(faces, which) {
  const found = /* @__PURE__ */ new Map();
  for (const at of which) found.set(trackOf(faces, at), [faces.clip[at] ?? 0, faces.track[at] ?? 0]);
  return [...found.values()];
}

// src/filmjob.ts
function showFilmJob() {
  const place = document.getElementById("film-job");
  if (!place) return;
  const { job } = state;
  const isOurs = job?.kind === "convert";
  const button = byId("convert");
  button.textContent = job?.running && isOurs ? "Stop" : "Start conversion";
  button.disabled = job?.running === true && (!isOurs || job.stopping);
  if (!isOurs || !job) {
    place.replaceChildren();
    return;
  }
  const { progress, result, messages } = job;
  const lines = [];
  if (job.running) {
    const rate = progress?.per_sec ? `, ${progress.per_sec.toFixed(1)} a second` : "";
    lines.push(h("p", {}, `${progress?.stage === "join" ? "Joining" : "Converting"}: ${progress?.done ?? 0} of ${progress?.total ?? "?"}${rate}`));
  } else if (result?.outcome === "done") {
    lines.push(h("p", {}, "Finished:"), ...(result.outputs ?? []).map((path) => h("code", { class: "path" }, path)));
  } else if (result) {
    const { outcome, error, hint } = result;
    lines.push(h("p", {}, outcome === "stopped" ? "Stopped; what is done is kept." : `${error ?? outcome}${hint ? `; ${hint}` : ""}`));
  }
  const notes = messages.filter(({ event }) => event === "warning").map(({ text }) => h("p", { class: "dim" }, text ?? ""));
  place.replaceChildren(h("h3", {}, "Conversion"), ...lines, ...notes);
}

// src/jobs.ts
var WORK = { extract: "Finding faces", train: "Training", convert: "Conversion" };
async function told(asking) {
  try {
    await asking;
  } catch (error) {
    if (error instanceof Refused) toast(error.message, true);
    else throw error;
  }
}
var start = (kind, minutes) => told(api.start(kind, minutes));
var convert = (clip2, identity2, matte2) => told(api.convert(clip2, identity2, matte2));
var stop = () => told(api.stop());
function showJob(before) {
  const place = byId("job");
  const { job } = state;
  if (job && !job.running && before?.running) {
    const { outcome, error, hint } = job.result ?? {};
    const end = outcome === "done" ? "done" : outcome === "stopped" ? "stopped, what is done is kept" : error ?? outcome;
    toast(`${WORK[job.kind]}: ${end}${error && hint ? ` (${hint})` : ""}`, outcome === "failed");
  }
  if (!job?.running) {
    place.replaceChildren();
    return;
  }
  const { progress } = job;
  const parts = [job.stopping ? "Stopping" : WORK[job.kind]];
  if (progress?.item) parts.push(progress.item);
  if (progress?.iteration) parts.push(`iteration ${thousands(progress.iteration)}`);
  if (job.kind === "convert" && progress?.per_sec) parts.push(`${progress.per_sec.toFixed(1)} frames a second`);
  if (progress?.left_secs !== void 0 && !job.stopping) parts.push(`${clock(progress.left_secs)} left`);
  const bar = progress?.total !== void 0 && progress.done !== void 0 ? h("progress", { max: progress.total, value: progress.done, "aria-label": "Progress" }) : h("progress", { "aria-label": "Progress" });
  place.replaceChildren(
    bar,
    h("span", {}, parts.join(" · ")),
    h("button", { class: "quiet", id: "stop", click: () => void stop() }, job.kind === "train" ? "Enough" : "Stop")
  );
}

// src/thumbnails.ts
var KEPT = 400;
var AT_ONCE = 4;
var pictures = /* @__PURE__ */ new Map();
var asked = /* @__PURE__ */ new Map();
var missing = /* @__PURE__ */ new Set();
var wanted = [];
var arrived = () => {
};
function onThumbnail(hear2) {
  arrived = hear2;
}
function thumbnail(id) {
  const picture2 = pictures.get(id);
  if (picture2) {
    pictures.delete(id);
    pictures.set(id, picture2);
  }
  return picture2;
}
var isMissing = (id) => missing.has(id);
function want(ids) {
  const still = new Set(ids);
  for (const [id, request] of asked) {
    if (!still.has(id)) {
      request.abort();
      asked.delete(id);
    }
  }
  wanted = ids.filter((id) => !pictures.has(id) && !asked.has(id) && !missing.has(id));
  askMore();
}
function forgetThumbnails() {
  for (const picture2 of pictures.values()) picture2.close();
  pictures.clear();
  missing.clear();
}
function askMore() {
  while (asked.size < AT_ONCE) {
    const id = wanted.shift();
    if (id === void 0) return;
    const request = new AbortController();
    asked.set(id, request);
    fetchPicture(id, request.signal).then((picture2) => keep(id, picture2)).catch((error) => {
      if (!(error instanceof DOMException && error.name === "AbortError")) missing.add(id);
    }).finally(() => {
      if (asked.get(id) === request) asked.delete(id);
      askMore();
      arrived();
    });
  }
}
async function fetchPicture(id, signal) {
  const answer = await fetch(`/api/faces/${id}/thumbnail`, { signal });
  if (!answer.ok) throw new Error(`no picture of face ${id}`);
  return createImageBitmap(await answer.blob());
}
function keep(id, picture2) {
  pictures.set(id, picture2);
  for (const [oldest, other] of pictures) {
    if (pictures.size <= KEPT) break;
    pictures.delete(oldest);
    other.close();
  }
}

// src/paint.ts
var GROUND = "#262626";
var CAPTION = 18;
var COLOURS = {
  empty: "#313131",
  line: "#383838",
  text: "#d2d2d2",
  dim: "#8f8f8f",
  cursor: "#ffffff",
  selected: "#5aa9e6",
  accepted: "#58b368",
  rejected: "#e0605a",
  warning: "#e3b341"
};
function paintHeading(context, title, count, x, y, end) {
  context.font = "600 13px system-ui, sans-serif";
  context.textBaseline = "middle";
  context.fillStyle = COLOURS.text;
  context.fillText(title, x, y);
  const after2 = x + context.measureText(title).width + 8;
  context.font = "13px system-ui, sans-serif";
  context.fillStyle = COLOURS.dim;
  context.fillText(thousands(count), after2, y);
  const line = after2 + context.measureText(thousands(count)).width + 12;
  context.fillStyle = COLOURS.line;
  context.fillRect(line, y, Math.max(0, end - line), 1);
}
function paintFace(context, place, x, y, size2) {
  const { faces } = state;
  const at = state.order[place];
  if (!faces || at === void 0) return;
  const id = faces.id[at] ?? -1;
  const verdict = faces.verdict[at];
  const picture2 = thumbnail(id);
  if (picture2) {
    context.globalAlpha = verdict === REJECTED ? 0.28 : 1;
    context.drawImage(picture2, x, y, size2, size2);
    context.globalAlpha = 1;
  } else {
    context.fillStyle = COLOURS.empty;
    context.fillRect(x, y, size2, size2);
    if (isMissing(id)) label(context, "no picture", x, y + size2 / 2 - CAPTION / 2, size2, COLOURS.dim);
  }
  const why = faces.why[at] ?? [];
  if (why.length > 0 && verdict !== REJECTED) {
    const reasons = why.map((reason) => faces.reasons[reason]).join(", ");
    label(context, reasons, x, y + size2 - CAPTION, size2, COLOURS.warning);
  }
  if (verdict === ACCEPTED || verdict === REJECTED) badge(context, x + size2 - 13, y + 13, verdict);
  if (state.selected.has(id)) {
    context.strokeStyle = COLOURS.selected;
    context.lineWidth = 3;
    context.strokeRect(x + 1.5, y + 1.5, size2 - 3, size2 - 3);
  }
  if (place === state.cursor) {
    context.strokeStyle = "#000000";
    context.lineWidth = 1;
    context.strokeRect(x + 0.5, y + 0.5, size2 - 1, size2 - 1);
    context.strokeStyle = COLOURS.cursor;
    context.lineWidth = 2;
    context.strokeRect(x - 2, y - 2, size2 + 4, size2 + 4);
  }
}
function label(context, text, x, y, width, colour) {
  context.fillStyle = "rgba(20, 20, 20, 0.78)";
  context.fillRect(x, y, width, CAPTION);
  context.fillStyle = colour;
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "middle";
  context.save();
  context.beginPath();
  context.rect(x, y, width, CAPTION);
  context.clip();
  context.fillText(text, x + 5, y + CAPTION / 2 + 0.5);
  context.restore();
}
function badge(context, x, y, verdict) {
  context.fillStyle = verdict === ACCEPTED ? COLOURS.accepted : COLOURS.rejected;
  context.beginPath();
  context.arc(x, y, 9, 0, 2 * Math.PI);
  context.fill();
  context.strokeStyle = "#ffffff";
  context.lineWidth = 2;
  context.beginPath();
  if (verdict === ACCEPTED) {
    context.moveTo(x - 4, y);
    context.lineTo(x - 1, y + 3.5);
    context.lineTo(x + 4.5, y - 3.5);
  } else {
    context.moveTo(x - 3.5, y - 3.5);
    context.lineTo(x + 3.5, y + 3.5);
    context.moveTo(x + 3.5, y - 3.5);
    context.lineTo(x - 3.5, y + 3.5);
  }
  context.stroke();
}

// src/splitview.ts
var REST_MS = 300;
var GIVEN_UP = 503;
var Lane = class {
  constructor(shown2, failed) {
    this.shown = shown2;
    this.failed = failed;
  }
  shown;
  failed;
  waiting = null;
  asking = false;
  ask(wanted3) {
    this.waiting = wanted3;
    if (!this.asking) void this.run();
  }
  async run() {
    this.asking = true;
    while (this.waiting) {
      const wanted3 = this.waiting;
      this.waiting = null;
      try {
        this.shown(wanted3, await api.frame(wanted3));
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        this.failed(wanted3, error);
      }
    }
    this.asking = false;
  }
};
var SplitView = class {
  constructor(canvas2, told3) {
    this.canvas = canvas2;
    this.told = told3;
    new ResizeObserver(() => this.draw()).observe(canvas2);
  }
  canvas;
  told;
  /** Where the line is, 0 to 1 of the picture's width. */
  split = 0.5;
  /** Shows the footage alone for a moment. */
  flipped = false;
  sight = null;
  footage = null;
  result = null;
  resting = 0;
  /** The frame that is drawn with all its neighbours, as a key. */
  steady = "";
  /** When each picture was asked for. */
  asked = /* @__PURE__ */ new WeakMap();
  footageLane = new Lane(
    (wanted3, { picture: picture2 }) => {
      if (this.isNow(wanted3)) {
        this.footage?.close();
        this.footage = picture2;
        this.draw();
        this.canvas.dataset.footage = `${wanted3.frame} ${wanted3.close}`;
      }
    },
    (wanted3, refused) => this.fail(wanted3, refused)
  );
  lane = new Lane(
    (wanted3, shown2) => this.show(wanted3, shown2),
    (wanted3, refused) => this.fail(wanted3, refused)
  );
  steadyLane = new Lane(
    (wanted3, shown2) => {
      if (!this.isNow(wanted3)) return;
      this.steady = placeOf(wanted3);
      if (this.sight && sameSettings(wanted3, this.sight)) this.show(wanted3, shown2);
      else this.askResult();
    },
    (wanted3, refused) => this.fail(wanted3, refused)
  );
  /** Shows something else, or the same by other settings. `anew`: what is drawn may have changed. */
  look(sight, anew = false) {
    const before = this.sight;
    const moved2 = !before || placeOf(before) !== placeOf(sight) || before.close !== sight.close;
    this.sight = sight;
    if (anew || before && before.identity !== sight.identity) this.steady = "";
    if (moved2 || anew) {
      this.footageLane.ask({ clip: sight.clip, frame: sight.frame, view: "footage", close: sight.close });
    }
    this.askResult();
  }
  askResult() {
    const { sight } = this;
    window.clearTimeout(this.resting);
    if (!sight?.identity || sight.view === "footage") {
      this.lane.ask(null);
      this.result?.close();
      this.result = null;
      this.draw();
      if (sight) this.told({ frame: sight.frame, steady: true, mask: null, labelled: false }, "");
      return;
    }
    const wanted3 = { ...sight, identity: sight.identity, settings: sight.settings ?? void 0 };
    const isSteady = this.steady === placeOf(sight);
    const now = { ...wanted3, steady: isSteady };
    this.asked.set(now, performance.now());
    this.lane.ask(now);
    if (!isSteady) this.resting = window.setTimeout(() => this.steadyLane.ask({ ...wanted3, steady: true }), REST_MS);
  }
  /** What was given up for something else is no news. */
  fail(wanted3, { status, message, hint }) {
    if (!this.isNow(wanted3)) return;
    if (status === GIVEN_UP && wanted3.steady) {
      if (document.hasFocus()) this.askResult();
    } else this.told(null, hint ? `${message}; ${hint}` : message);
  }
  show(wanted3, { picture: picture2, steady, mask, labelled }) {
    if (!this.isNow(wanted3) || wanted3.view !== this.sight?.view) {
      picture2.close();
      return;
    }
    if (!steady && this.steady === placeOf(wanted3) && sameSettings(wanted3, this.sight)) {
      picture2.close();
      this.askResult();
      return;
    }
    this.result?.close();
    this.result = picture2;
    this.draw();
    const asked2 = this.asked.get(wanted3);
    Object.assign(this.canvas.dataset, {
      frame: wanted3.frame,
      shows: wanted3.view,
      close: wanted3.close,
      steady,
      settings: JSON.stringify(wanted3.settings ?? null),
      took: asked2 === void 0 ? "" : (performance.now() - asked2).toFixed(0)
    });
    this.told({ frame: wanted3.frame, steady, mask, labelled }, "");
  }
  isNow(wanted3) {
    const { sight } = this;
    return sight !== null && wanted3.clip === sight.clip && wanted3.frame === sight.frame && wanted3.close === sight.close && (wanted3.view === "footage" || wanted3.identity === sight.identity);
  }
  /** Where the picture lies in the canvas, in pixels of the page. */
  place() {
    const { canvas: canvas2, footage: footage2, result } = this;
    const picture2 = footage2 ?? result;
    const [width, height] = [canvas2.clientWidth, canvas2.clientHeight];
    if (!picture2) return { x: 0, y: 0, width, height };
    const scale = Math.min(width / picture2.width, height / picture2.height);
    const [w, h2] = [picture2.width * scale, picture2.height * scale];
    return { x: (width - w) / 2, y: (height - h2) / 2, width: w, height: h2 };
  }
  /** Puts the line under a place of the canvas. */
  splitAt(x) {
    const place = this.place();
    this.split = Math.max(0, Math.min(1, (x - place.x) / place.width));
    this.draw();
  }
  draw() {
    const { canvas: canvas2, footage: footage2, result, split } = this;
    const density = window.devicePixelRatio || 1;
    const [width, height] = [canvas2.clientWidth, canvas2.clientHeight];
    if (canvas2.width !== Math.round(width * density) || canvas2.height !== Math.round(height * density)) {
      canvas2.width = Math.round(width * density);
      canvas2.height = Math.round(height * density);
    }
    const context = canvas2.getContext("2d", { alpha: false });
    if (!context || width === 0) return;
    context.setTransform(density, 0, 0, density, 0, 0);
    context.fillStyle = GROUND;
    context.fillRect(0, 0, width, height);
    context.imageSmoothingQuality = "high";
    const { x, y, width: w, height: h2 } = this.place();
    if (footage2) context.drawImage(footage2, x, y, w, h2);
    if (!result || this.flipped) return;
    const at = x + split * w;
    context.save();
    context.beginPath();
    context.rect(at, y, x + w - at, h2);
    context.clip();
    context.drawImage(result, x, y, w, h2);
    context.restore();
    if (split <= 0 || split >= 1) return;
    context.fillStyle = "rgba(255, 255, 255, 0.85)";
    context.fillRect(Math.round(at) - 1, y, 2, h2);
    context.beginPath();
    context.arc(at, y + h2 / 2, 9, 0, 2 * Math.PI);
    context.fill();
    context.fillStyle = "#262626";
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText("⇔", at, y + h2 / 2 + 0.5);
  }
};
var placeOf = ({ clip: clip2, frame: frame3, identity: identity2 }) => `${clip2}/${frame3}/${identity2 ?? ""}`;
var sameSettings = (wanted3, sight) => JSON.stringify(wanted3.settings ?? null) === JSON.stringify(sight.settings);

// src/strip.ts
var SHOT_PX = 58;
var GAP_PX = 8;
var CLIP_PX = 26;
var STRIP_PX = SHOT_PX + GAP_PX + CLIP_PX;
var shotsOf = (clip2) => clip2.shots ?? [0];
function shotAt(clip2, frame3) {
  const shots = shotsOf(clip2);
  const after2 = shots.findIndex((first) => first > frame3);
  const number = (after2 < 0 ? shots.length : after2) - 1;
  return { number, from: shots[number] ?? 0, to: shots[number + 1] ?? clip2.frames };
}
var tracksIn = (clip2, from, to) => clip2.tracks.filter(({ first }) => first >= from && first < to);
function frameUnder(strip, x, y, width) {
  const [from, to] = y < SHOT_PX + GAP_PX / 2 ? strip.shot : [0, strip.clip.frames];
  const frame3 = from + Math.floor(Math.max(0, Math.min(width - 1, x)) / width * (to - from));
  return Math.max(from, Math.min(to - 1, frame3));
}
function drawStrip(canvas2, strip) {
  const density = window.devicePixelRatio || 1;
  const width = canvas2.clientWidth;
  canvas2.width = Math.round(width * density);
  canvas2.height = Math.round(STRIP_PX * density);
  const context = canvas2.getContext("2d", { alpha: false });
  if (!context || width === 0) return;
  context.setTransform(density, 0, 0, density, 0, 0);
  context.fillStyle = GROUND;
  context.fillRect(0, 0, width, STRIP_PX);
  const { film: film2, clip: clip2, shot: shot2, frame: frame3, measured: measured2, masks: masks2 } = strip;
  const most = (masks2?.share ?? []).reduce((most2, share) => Math.max(most2, share), 1e-6);
  row(context, strip, shot2, 0, SHOT_PX, width, most);
  row(context, strip, [0, clip2.frames], SHOT_PX + GAP_PX, CLIP_PX, width, most);
  const [from, to] = shot2;
  const across = (at) => width * (at - from) / (to - from);
  context.fillStyle = "#5aa9e6";
  for (const [at, share] of measured2) {
    if (at < from || at >= to) continue;
    context.fillRect(across(at + 0.5) - 1.5, SHOT_PX - 3 - (SHOT_PX - 8) * (share / most), 3, 3);
  }
  const top = SHOT_PX + GAP_PX;
  context.fillStyle = "#e3b341";
  for (const { first, last, settings } of clip2.tracks) {
    if (isDefault(film2, settings)) continue;
    const left = width * first / clip2.frames;
    context.fillRect(left, top + CLIP_PX - 3, Math.max(2, width * (last + 1 - first) / clip2.frames), 3);
  }
  context.fillStyle = "#ffffff";
  for (const first of shotsOf(clip2).slice(1)) context.fillRect(Math.round(width * first / clip2.frames), top, 1, CLIP_PX);
  context.strokeStyle = "#c9c9c9";
  context.strokeRect(width * from / clip2.frames + 0.5, top + 0.5, width * (to - from) / clip2.frames - 1, CLIP_PX - 1);
  context.fillStyle = "#ffffff";
  context.fillRect(Math.round(across(frame3 + 0.5)) - 1, 0, 2, SHOT_PX);
  context.fillRect(Math.round(width * (frame3 + 0.5) / clip2.frames) - 1, top, 2, CLIP_PX);
}
function row(context, { clip: clip2, masks: masks2 }, [from, to], top, height, width, most) {
  context.fillStyle = "#1b1b1b";
  context.fillRect(0, top, width, height);
  if (!masks2) return;
  const settings = new Map(clip2.tracks.map(({ track, settings: settings2 }) => [track, settings2]));
  const columns2 = Math.max(1, Math.min(to - from, Math.floor(width)));
  const [whole, kept] = [new Float64Array(columns2), new Float64Array(columns2)];
  let at = firstAt(masks2.frame, from);
  for (; at < masks2.frame.length; at++) {
    const frame3 = masks2.frame[at] ?? 0;
    if (frame3 >= to) break;
    const column = Math.floor((frame3 - from) * columns2 / (to - from));
    const share = masks2.share[at] ?? 0;
    const chosen = settings.get(masks2.track[at] ?? -1);
    const part = !chosen || chosen.skip ? 0 : chosen.mask_size ** 2;
    whole[column] = Math.max(whole[column] ?? 0, share);
    kept[column] = Math.max(kept[column] ?? 0, share * part);
  }
  const bar = (column, share) => {
    const tall = (height - 6) * (share / most);
    const [left, right] = [Math.round(column * width / columns2), Math.round((column + 1) * width / columns2)];
    context.fillRect(left, top + height - tall, right - left, tall);
  };
  for (let column = 0; column < columns2; column++) {
    context.fillStyle = "#4a4a4a";
    bar(column, whole[column] ?? 0);
    context.fillStyle = "#9a9a9a";
    bar(column, kept[column] ?? 0);
  }
}
function firstAt(frames, frame3) {
  let [low, high] = [0, frames.length];
  while (low < high) {
    const middle = low + high >> 1;
    if ((frames[middle] ?? 0) < frame3) low = middle + 1;
    else high = middle;
  }
  return low;
}

// src/film.ts
var VIEWS = [
  ["result", "Result"],
  ["mask", "Mask"],
  ["matte", "Matte"],
  ["in_front", "In front"],
  ["footage", "Footage"]
];
var film = null;
var masks = null;
var picture = null;
var clip = 0;
var identity = "";
var frame2 = 0;
var view = "result";
var close = false;
var matte = false;
var tried = null;
var measured = /* @__PURE__ */ new Map();
function goTo([toClip, toIdentity, toFrame]) {
  clip = Number(toClip) || 0;
  identity = decodeURIComponent(toIdentity ?? "");
  frame2 = Number(toFrame) || 0;
}
function footage() {
  return film?.clips.find(({ id }) => id === clip) ?? null;
}
var identitiesFor = (of) => film?.identities.filter((name) => name !== of.person) ?? [];
var convertible = () => film?.clips.filter((of) => of.done && identitiesFor(of).length > 0) ?? [];
function filmPage() {
  picture = null;
  return h("div", { class: "film", id: "film" }, h("p", { class: "hint" }, "Looking…"));
}
async function refreshFilm() {
  if (!document.getElementById("film")) return;
  try {
    film = await api.film();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (!picture) document.getElementById("film")?.replaceChildren(h("p", { class: "hint" }, `${error.message}.`));
    return;
  }
  if (!document.getElementById("film")) return;
  const clips = convertible();
  const known = clips.find(({ id }) => id === clip) ?? clips.at(-1);
  if (!known) {
    picture = null;
    byId("film").replaceChildren(h("p", { class: "hint" }, whyNot(film)));
    return;
  }
  clip = known.id;
  const names = identitiesFor(known);
  if (!names.includes(identity)) identity = names[0] ?? "";
  frame2 = Math.max(0, Math.min(known.frames - 1, frame2));
  if (!picture) build(film);
  fillChoices();
  measured.clear();
  showAll(true);
  await readMasks();
}
function whyNot({ iteration, clips }) {
  if (iteration === null) return "This project has no trained model yet: train it on the page Training.";
  if (!clips.some(({ done }) => done)) return "No faces are found yet: find them on the page People.";
  return "A film needs footage of somebody and the face of somebody else whom the model can draw.";
}
async function readMasks() {
  const revision = film?.revision ?? 0;
  if (masks?.clip === clip && masks.revision === revision) return;
  const wanted3 = clip;
  const found = await api.masks(wanted3).catch((error) => {
    if (!(error instanceof Refused)) throw error;
    return null;
  });
  if (!found || wanted3 !== clip) return;
  masks = { clip, revision, masks: found };
  showStrip();
}
function build(data) {
  const choose = (id, title, choice) => {
    const list = h("select", { id, change: () => choice(list.value) });
    return h("label", { class: "inline" }, title, list);
  };
  const toView = ([name, title]) => h("button", { class: "quiet view", "data-view": name, title: `${title} (V)`, click: () => see(name) }, title);
  const canvas2 = h("canvas", { id: "picture", tabindex: 0, role: "img" });
  const strip = h("canvas", { id: "strip", role: "img", "aria-label": "The mask along the shot, and all shots of the clip" });
  strip.style.height = `${STRIP_PX}px`;
  const split = h("input", { type: "range", id: "split", min: 0, max: 1e3, step: 1, "aria-label": "Split between footage and result" });
  const matteBox = h("input", { type: "checkbox", id: "matte", change: () => matte = matteBox.checked });
  matteBox.checked = matte;
  byId("film").replaceChildren(
    h(
      "div",
      { class: "line choices" },
      choose("film-identity", "Face of", (name) => {
        identity = name;
        measured.clear();
        showAll();
      }),
      choose("film-clip", "onto", (id) => {
        clip = Number(id);
        frame2 = 0;
        tried = null;
        measured.clear();
        fillChoices();
        showAll();
        void readMasks();
      }),
      h("div", { class: "views", role: "group", "aria-label": "View" }, ...VIEWS.map(toView)),
      h("button", { class: "quiet view", id: "zoom", title: "Look closely (Z)", click: () => look(!close) }, "Zoom"),
      h("div", { class: "spring" }),
      h("label", { class: "tick" }, matteBox, "Matte too"),
      h("button", { class: "main", id: "convert", click: () => void startOrStop() }, "Start conversion")
    ),
    h(
      "div",
      { class: "screen" },
      h("div", { class: "picture" }, canvas2, split),
      h("p", { class: "dim told", id: "told", role: "status" }, "Loading the model…"),
      strip
    ),
    makePanel(
      data,
      (part) => attempt(part),
      (part) => void save(part, false),
      h("button", { id: "reset", title: "Defaults for this shot (R)", click: () => void reset() }, "Reset shot"),
      h("button", { id: "to-all", click: () => void save({}, true) }, "Apply to all shots")
    )
  );
  picture = new SplitView(canvas2, told2);
  split.value = String(1e3 * picture.split);
  split.addEventListener("input", () => {
    if (picture) picture.split = Number(split.value) / 1e3;
    picture?.draw();
  });
  canvas2.addEventListener("pointerdown", (event) => {
    canvas2.setPointerCapture(event.pointerId);
    splitAt(event.offsetX);
  });
  canvas2.addEventListener("pointermove", (event) => event.buttons > 0 && splitAt(event.offsetX));
  const scrub = (event) => {
    const shown2 = stripOf();
    if (shown2) show(frameUnder(shown2, event.offsetX, event.offsetY, strip.clientWidth));
  };
  strip.addEventListener("pointerdown", (event) => {
    strip.setPointerCapture(event.pointerId);
    scrub(event);
  });
  strip.addEventListener("pointermove", (event) => event.buttons > 0 && scrub(event));
  new ResizeObserver(showStrip).observe(strip);
  canvas2.focus({ preventScroll: true });
  showFilmJob();
}
function splitAt(x) {
  if (!picture) return;
  picture.splitAt(x);
  byId("split").value = String(Math.round(1e3 * picture.split));
}
function fillChoices() {
  const fill = (id, options, now) => {
    const list = byId(id);
    list.replaceChildren(...options.map(([value, title]) => h("option", { value }, title)));
    list.value = now;
  };
  const of = footage();
  if (!of) return;
  const names = identitiesFor(of);
  if (!names.includes(identity)) identity = names[0] ?? "";
  fill("film-identity", names.map((name) => [name, name]), identity);
  fill("film-clip", convertible().map(({ id, name, person }) => [String(id), `${name} (${person})`]), String(clip));
}
function shot() {
  const of = footage();
  if (!of) return null;
  const place = shotAt(of, frame2);
  const tracks = tracksIn(of, place.from, place.to);
  const here = tracks.find(({ first, last }) => first <= frame2 && frame2 <= last) ?? tracks[0];
  return { ...place, of, tracks, settings: here?.settings ?? null };
}
function showAll(anew = false) {
  const now = shot();
  if (!now || !film || !picture) return;
  history.replaceState(null, "", `#film/${clip}/${encodeURIComponent(identity)}/${frame2}`);
  for (const button of document.querySelectorAll("button[data-view]")) {
    button.setAttribute("aria-pressed", String(button.dataset.view === view));
  }
  byId("zoom").setAttribute("aria-pressed", String(close));
  const { number, from, to, of, tracks, settings } = now;
  const shots = shotsOf(of).length;
  const names = `frames ${from} to ${to - 1}`;
  const state2 = tracks.length === 0 ? "nobody to replace" : settings && isDefault(film, settings) ? "as by default" : "changed";
  const name = of.shots === null ? "The clip" : `Shot ${number + 1} of ${shots}`;
  const unknown = of.shots === null ? " · its cuts are not known: “Find faces in all clips” looks for them" : "";
  fillPanel(film, tried ?? settings, name, `${names} · ${state2}${unknown}`);
  byId("reset").disabled = settings === null || isDefault(film, settings);
  byId("to-all").disabled = settings === null || shots < 2;
  picture.look({ clip, frame: frame2, view, close, identity, settings: tried }, anew);
  picture.canvas.setAttribute("aria-label", `Frame ${frame2} of ${of.name}: footage on the left, ${view} on the right`);
  showStrip();
}
function told2(seen, why) {
  const of = footage();
  const place = document.getElementById("told");
  if (!of || !place) return;
  place.classList.toggle("bad", !seen);
  if (!seen) {
    place.textContent = `${why.charAt(0).toUpperCase()}${why.slice(1)}.`;
    return;
  }
  const parts = [`Frame ${thousands(seen.frame)} of ${thousands(of.frames)}`];
  if (seen.mask !== null) {
    measured.set(seen.frame, seen.mask);
    parts.push(`mask ${(100 * seen.mask).toFixed(2)} % of the picture`);
    parts.push(seen.steady ? "as in the film" : "first look, without its neighbours in time");
    if (seen.labelled) parts.push("no consent on record: the film says so in its corner");
    showStrip();
  }
  place.textContent = parts.join(" · ");
}
function stripOf() {
  const now = shot();
  if (!now || !film) return null;
  return { film, clip: now.of, masks: masks?.clip === clip ? masks.masks : null, shot: [now.from, now.to], frame: frame2, measured };
}
function showStrip() {
  const canvas2 = document.getElementById("strip");
  const strip = stripOf();
  if (canvas2 && strip) drawStrip(canvas2, strip);
}
function show(to) {
  const of = footage();
  if (!of) return;
  const next = Math.max(0, Math.min(of.frames - 1, to));
  if (next === frame2) return;
  const before = shotAt(of, frame2).number;
  frame2 = next;
  tried = null;
  if (shotAt(of, frame2).number !== before) announce(`Shot ${shotAt(of, frame2).number + 1}`);
  showAll();
}
function see(next) {
  view = next;
  showAll();
}
function look(closely) {
  close = closely;
  showAll();
}
function attempt(part) {
  const settings = shot()?.settings;
  if (!settings) return;
  tried = { ...settings, ...tried, ...part };
  showAll();
}
async function save(part, everywhere) {
  const now = shot();
  if (!now?.settings) return;
  const settings = { ...now.settings, ...tried, ...part };
  await send2(everywhere ? now.of.tracks : now.tracks, settings, everywhere ? "All shots are put on like this one" : "Saved");
  if (document.activeElement?.matches("input[type=range]:not(:focus-visible)")) picture?.canvas.focus();
}
async function reset() {
  const now = shot();
  if (now?.settings && film) await send2(now.tracks, film.defaults, "As by default");
}
async function send2(tracks, settings, said) {
  const about = tracks.map(({ track }) => [clip, track]);
  try {
    know((await api.decide({ kind: "adjust", tracks: about, settings })).revision);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    toast(`Not saved: ${error.message}`, true);
    tried = null;
    showAll();
    return;
  }
  for (const track of tracks) track.settings = { ...settings };
  tried = null;
  measured.clear();
  toast(`${said} · U takes it back`);
  showAll();
}
async function startOrStop() {
  if (state.job?.running) await stop();
  else await convert(clip, identity, matte);
}
function filmKey(event) {
  const now = shot();
  if (!now || !picture) return false;
  const { of, number, from, to } = now;
  const shots = shotsOf(of);
  switch (event.key) {
    case "ArrowLeft":
      show(!event.shiftKey ? frame2 - 1 : frame2 > from ? from : shots[number - 1] ?? 0);
      return true;
    case "ArrowRight":
      show(event.shiftKey ? shots[number + 1] ?? of.frames - 1 : frame2 + 1);
      return true;
    case "PageUp":
      show(frame2 - 25);
      return true;
    case "PageDown":
      show(frame2 + 25);
      return true;
    case "Home":
      show(from);
      return true;
    case "End":
      show(to - 1);
      return true;
    case " ":
      picture.flipped = !picture.flipped;
      picture.draw();
      announce(picture.flipped ? "Footage" : "Result");
      return true;
    case "[":
    case "]":
      picture.split = Math.max(0, Math.min(1, picture.split + (event.key === "[" ? -0.05 : 0.05)));
      byId("split").value = String(Math.round(1e3 * picture.split));
      picture.draw();
      return true;
  }
  switch (event.key.toLowerCase()) {
    case "v":
      see(VIEWS[(VIEWS.findIndex(([name]) => name === view) + 1) % VIEWS.length]?.[0] ?? "result");
      return true;
    case "z":
      look(!close);
      return true;
    case "s":
      if (now.settings) void save({ skip: !now.settings.skip }, false);
      return true;
    case "r":
      void reset();
      return true;
  }
  return false;
}

// src/help.ts
var FACES = [
  ["← → ↑ ↓", "Move; with Shift, select on the way"],
  ["Page ↑ ↓, Home, End", "Move further"],
  ["X", "Reject: not learned from"],
  ["A", "Accept: good to learn from"],
  ["O", "Leave open again"],
  ["G", "Select the whole group"],
  ["T", "Select the whole track"],
  ["Space", "Select this face, or no longer"],
  ["Escape", "Select nothing"],
  ["P", "Say who the track is"],
  ["E", "Move landmarks by hand"],
  ["+ −", "Larger, smaller"],
  ["Enter", "Look at the frame, large"]
];
var FILM = [
  ["← →", "One frame back, on; Page ↑ ↓ 25 frames"],
  ["Shift+← →", "The shot before, the next"],
  ["Home, End", "First, last frame of the shot"],
  ["Space", "Flip between footage and result"],
  ["[ ]", "Move the split"],
  ["V", "Next view: result, mask, matte, what is in front"],
  ["Z", "Look closely, or at the whole frame"],
  ["S", "Leave the face of this shot as filmed, or no longer"],
  ["R", "Reset the shot to defaults"]
];
var EVERYWHERE = [
  ["U, Shift+U", "Undo, redo: without end"],
  ["1 2 3 4", "People, faces, training, film"],
  ["?", "This list"]
];
function open(title, ...content) {
  const dialog = h("dialog", { "aria-label": title }, h("h2", {}, title), ...content);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
function showHelp(name) {
  const own = name === "faces" ? FACES : name === "film" ? FILM : [];
  const list = [...own, ...EVERYWHERE].flatMap(([keys2, what]) => [h("dt", {}, keys2), h("dd", {}, what)]);
  const dialog = open("Keys", h("dl", { class: "keys" }, ...list));
  dialog.append(h("button", { class: "main", click: () => dialog.close() }, "Close"));
}
function askPerson(people, tracks, chosen) {
  const choose = (person) => {
    dialog.close();
    chosen(person);
  };
  const choice = (number, title, person) => h("button", { class: "choice", click: () => choose(person) }, h("span", {}, title), h("kbd", {}, String(number)));
  const dialog = open(
    tracks === 1 ? "Who is this track?" : `Who are these ${tracks} tracks?`,
    ...people.slice(0, 9).map((name, at) => choice(at + 1, name, name)),
    choice(0, "Nobody in the project", null)
  );
  dialog.addEventListener("keydown", (event) => {
    const number = Number(event.key);
    if (event.key === "0") choose(null);
    else if (number >= 1 && number <= people.length) choose(people[number - 1] ?? null);
  });
}
function showFrame(id, title) {
  const dialog = open(title, h("img", { class: "large", src: `/api/faces/${id}/frame`, alt: title }));
  dialog.classList.add("wide");
  dialog.addEventListener("keydown", (event) => event.key === "Enter" && dialog.close());
}

// src/people.ts
function peoplePage(project, review) {
  const cards = project.people.map((person) => card(person, project, review));
  const none = h(
    "p",
    { class: "hint" },
    "Nobody is in this project yet. Tell it whose face is in which clips: ",
    h("code", {}, "bifrons add --as NAME CLIP")
  );
  const others = project.nobody > 0 && h(
    "p",
    { class: "hint" },
    `${thousands(project.nobody)} faces are of nobody in the project. They stay as filmed. `,
    h("button", { click: () => review(null) }, "Look at them")
  );
  return h("div", { class: "people" }, ...cards.length > 0 ? cards : [none], others);
}
function card(person, project, review) {
  const reviewed = person.accepted + person.rejected;
  const facts = [
    `${thousands(person.faces)} faces`,
    `${thousands(reviewed)} reviewed`,
    person.rejected > 0 && `${thousands(person.rejected)} rejected`,
    person.suspicious > 0 && `${thousands(person.suspicious)} suspicious`
  ].filter(Boolean);
  const missing2 = person.coverage.missing.map((what) => h("li", {}, what.charAt(0).toUpperCase() + what.slice(1)));
  return h(
    "section",
    { class: "card", "aria-label": person.name },
    h(
      "div",
      { class: "line" },
      h("h2", {}, person.name),
      h("button", { class: "main", click: () => review(person.name) }, "Review faces")
    ),
    h("p", { class: "dim" }, facts.join(" · ")),
    h(
      "div",
      { class: "halves" },
      h("div", {}, h("h3", {}, "Clips"), h("ul", { class: "clips" }, ...person.clips.map(clipLine))),
      h(
        "div",
        {},
        h("h3", {}, "Where the faces look"),
        coverageMap(person, project),
        missing2.length > 0 ? h("ul", { class: "missing" }, ...missing2) : h("p", { class: "dim" }, person.faces > 0 ? "Nothing is missing." : "No faces yet.")
      )
    )
  );
}
function clipLine(clip2) {
  const part = clip2.done ? 1 : clip2.next_frame / Math.max(1, clip2.frames);
  const state2 = clip2.done ? `${thousands(clip2.faces)} faces` : `${Math.floor(part * 100)} % looked through`;
  return h(
    "li",
    {},
    h("span", { class: "clip-name" }, clip2.name),
    h("span", { class: "dim" }, `${thousands(clip2.frames)} frames, ${clip2.width_px}×${clip2.height_px} · ${state2}`),
    !clip2.done && h("progress", { max: 1, value: part, "aria-label": `${clip2.name} looked through` })
  );
}
function coverageMap(person, project) {
  const { counts } = person.coverage;
  const most = Math.max(1, ...counts.flat());
  const range = (edges, at) => {
    const [low, high] = [edges[at - 1], edges[at]];
    if (low === void 0) return `below ${high}°`;
    return high === void 0 ? `above ${low}°` : `${low}° to ${high}°`;
  };
  const rows2 = counts.map((row2, y) => {
    const pitch = range(project.pitch_edges_deg, counts.length - 1 - y);
    const cells = row2.map((count, x) => {
      const told3 = `${count} faces: turned ${range(project.yaw_edges_deg, x)}, nodded ${pitch}`;
      const cell = h("td", { title: told3, class: count === 0 ? "none" : "" }, count > 0 ? thousands(count) : "");
      const light = count === 0 ? 0 : 0.18 + 0.72 * Math.sqrt(count / most);
      cell.style.background = count === 0 ? "" : `rgba(190, 205, 220, ${light.toFixed(3)})`;
      cell.style.color = light > 0.55 ? "#161616" : "";
      return cell;
    });
    const side = ["up", "", "", "", "down"][y] ?? "";
    return h("tr", {}, h("th", { scope: "row" }, side), ...cells);
  });
  const head = ["left", "", "", "front", "", "", "right"].map((side) => h("th", { scope: "col" }, side));
  return h(
    "table",
    { class: "coverage", "aria-label": `Where the faces of ${person.name} look` },
    h("tr", {}, h("td"), ...head),
    ...rows2
  );
}

// src/editor.ts
var HANDLES = [33, 133, 362, 263, 1, 61, 291, 13, 14, 152, 10, 234, 454, 105, 334];
var REACH = 0.18;
var NEAR_PX = 11;
var AROUND = 1.1;
var KEYS = "Drag a point, or the face · arrows move · [ ] turn · + − size · C copies the frame before, N the one after · S saves";
async function editLandmarks(saved) {
  const { faces } = state;
  const at = state.order[state.cursor];
  if (!faces || at === void 0) return;
  const face = await api.face(faces.id[at] ?? -1).catch(() => null);
  if (!face) return;
  new Editor(face, at, saved).open();
}
var Editor = class {
  constructor(face, at, saved) {
    this.face = face;
    this.at = at;
    this.saved = saved;
    this.points = face.points.map(([x, y]) => [x, y]);
  }
  face;
  at;
  saved;
  points;
  picture = h("img", { alt: "" });
  canvas = h("canvas", { class: "editor", tabindex: 0, "aria-label": `Landmarks. ${KEYS}` });
  dialog = h("dialog", { class: "wide", "aria-label": "Landmarks" });
  held = null;
  /** Pixels of the footage at the window's corner, and how many times larger they are shown. */
  view = { left: 0, top: 0, scale: 1 };
  open() {
    const { dialog, canvas: canvas2, picture: picture2 } = this;
    const button = (title, does, kind = "") => h("button", { class: kind, click: does }, title);
    dialog.append(
      h(
        "div",
        { class: "line" },
        h("h2", {}, `Landmarks of face ${this.face.id}, frame ${this.face.frame}`),
        button("Copy frame before", () => void this.copy(-1)),
        button("Copy frame after", () => void this.copy(1)),
        button("Save", () => void this.save(), "main"),
        button("Cancel", () => dialog.close())
      ),
      canvas2,
      h("p", { class: "dim" }, KEYS)
    );
    dialog.addEventListener("close", () => dialog.remove());
    dialog.addEventListener("keydown", (event) => this.key(event));
    canvas2.addEventListener("pointerdown", (event) => this.grab(event));
    canvas2.addEventListener("pointermove", (event) => this.drag(event));
    canvas2.addEventListener("pointerup", () => this.held = null);
    document.body.append(dialog);
    dialog.showModal();
    canvas2.focus();
    const [left, top, right, bottom] = this.face.bbox;
    const side = Math.max(right - left, bottom - top) * (1 + AROUND);
    const size2 = Math.min(window.innerHeight - 150, window.innerWidth - 90, 760);
    this.view = { left: (left + right - side) / 2, top: (top + bottom - side) / 2, scale: size2 / side };
    canvas2.style.width = canvas2.style.height = `${size2}px`;
    picture2.onload = () => this.draw();
    picture2.src = `/api/faces/${this.face.id}/frame`;
    this.draw();
  }
  draw() {
    const { canvas: canvas2, picture: picture2, view: view2 } = this;
    const density = window.devicePixelRatio || 1;
    const size2 = canvas2.clientWidth;
    canvas2.width = canvas2.height = size2 * density;
    const context = canvas2.getContext("2d");
    if (!context) return;
    const scale = view2.scale * density;
    context.fillStyle = "#262626";
    context.fillRect(0, 0, canvas2.width, canvas2.height);
    const [x, y] = [-view2.left * scale, -view2.top * scale];
    if (picture2.complete && picture2.naturalWidth > 0) {
      context.drawImage(picture2, x, y, this.face.width_px * scale, this.face.height_px * scale);
    }
    const [left, top, right, bottom] = boxOf(this.points);
    context.strokeStyle = "rgba(255, 255, 255, 0.8)";
    context.lineWidth = density;
    context.strokeRect((left - view2.left) * scale, (top - view2.top) * scale, (right - left) * scale, (bottom - top) * scale);
    context.fillStyle = "rgba(120, 220, 255, 0.8)";
    for (const point2 of this.points) {
      context.fillRect((point2[0] - view2.left) * scale - density, (point2[1] - view2.top) * scale - density, 2 * density, 2 * density);
    }
    context.strokeStyle = "#ffffff";
    context.lineWidth = 1.5 * density;
    for (const handle of HANDLES) {
      const [hx, hy] = this.points[handle] ?? [0, 0];
      context.beginPath();
      context.arc((hx - view2.left) * scale, (hy - view2.top) * scale, 4.5 * density, 0, 2 * Math.PI);
      context.stroke();
    }
  }
  /** Where the pointer is, in pixels of the footage. */
  place(event) {
    const box = this.canvas.getBoundingClientRect();
    const { left, top, scale } = this.view;
    return [left + (event.clientX - box.left) / scale, top + (event.clientY - box.top) / scale];
  }
  grab(event) {
    const [x, y] = this.place(event);
    const away = (handle2) => {
      const [hx, hy] = this.points[handle2] ?? [Infinity, Infinity];
      return Math.hypot(hx - x, hy - y) * this.view.scale;
    };
    const nearest = HANDLES.reduce((best, next) => away(next) < away(best) ? next : best);
    const handle = away(nearest) <= NEAR_PX ? nearest : null;
    this.held = { handle, x, y, before: this.points.map(([px, py]) => [px, py]) };
    this.canvas.setPointerCapture(event.pointerId);
  }
  drag(event) {
    const { held } = this;
    if (!held) return;
    const [x, y] = this.place(event);
    const [dx, dy] = [x - held.x, y - held.y];
    const from = held.handle === null ? null : held.before[held.handle];
    const [left, , right] = boxOf(held.before);
    const reach = REACH * (right - left);
    this.points = held.before.map(([px, py]) => {
      const part = from ? Math.exp(-((Math.hypot(px - from[0], py - from[1]) / reach) ** 2)) : 1;
      return [px + part * dx, py + part * dy];
    });
    this.draw();
  }
  /** Moves all points: turned about their middle, scaled, shifted. */
  move(turn, scale, dx, dy) {
    const [left, top, right, bottom] = boxOf(this.points);
    const [mx, my] = [(left + right) / 2, (top + bottom) / 2];
    const [sin, cos] = [Math.sin(turn) * scale, Math.cos(turn) * scale];
    this.points = this.points.map(([x, y]) => [
      mx + cos * (x - mx) - sin * (y - my) + dx,
      my + sin * (x - mx) + cos * (y - my) + dy
    ]);
    this.draw();
  }
  key(event) {
    const step = (event.shiftKey ? 10 : 1) / this.view.scale;
    const does = {
      ArrowLeft: () => this.move(0, 1, -step, 0),
      ArrowRight: () => this.move(0, 1, step, 0),
      ArrowUp: () => this.move(0, 1, 0, -step),
      ArrowDown: () => this.move(0, 1, 0, step),
      "[": () => this.move(-0.01, 1, 0, 0),
      "]": () => this.move(0.01, 1, 0, 0),
      "+": () => this.move(0, 1.01, 0, 0),
      "=": () => this.move(0, 1.01, 0, 0),
      "-": () => this.move(0, 1 / 1.01, 0, 0),
      c: () => void this.copy(-1),
      n: () => void this.copy(1),
      s: () => void this.save()
    };
    const action = does[event.key] ?? does[event.key.toLowerCase()];
    if (!action || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  }
  /** Takes the landmarks of the face before or after in the same track. */
  async copy(by) {
    const { faces } = state;
    const neighbour = this.at + by;
    const isSame = faces && faces.clip[neighbour] === faces.clip[this.at] && faces.track[neighbour] === faces.track[this.at];
    if (!faces || !isSame) {
      toast(`This track has no face ${by < 0 ? "before" : "after"} it`);
      return;
    }
    const other = await api.face(faces.id[neighbour] ?? -1).catch(() => null);
    if (!other) return;
    this.points = other.points.map(([x, y]) => [x, y]);
    this.draw();
  }
  async save() {
    try {
      await api.place(this.face.id, this.points);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      toast(`Not saved: ${error.message}`, true);
      return;
    }
    this.dialog.close();
    toast("Landmarks placed, crop cut anew · U takes it back");
    this.saved();
  }
};
function boxOf(points) {
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

// src/inspector.ts
var REST_MS2 = 140;
var SHOWN = [
  ["likeness", "Likeness", (v) => v.toFixed(2)],
  ["confidence", "Confidence", (v) => v.toFixed(2)],
  ["sharpness", "Sharpness", (v) => v.toFixed(4)],
  ["size_px", "Height", (v) => `${v.toFixed(0)} px`],
  ["yaw_deg", "Turned", (v) => `${Math.abs(v).toFixed(0)}° ${v < 0 ? "left" : "right"}`],
  ["pitch_deg", "Nodded", (v) => `${Math.abs(v).toFixed(0)}° ${v < 0 ? "down" : "up"}`],
  ["roll_deg", "Tilted", (v) => `${v.toFixed(0)}°`],
  ["jump", "Landmark jump", (v) => v.toFixed(3)],
  ["mouth", "Mouth open", (v) => v.toFixed(2)],
  ["eyes", "Eyes open", (v) => v.toFixed(2)],
  ["smile", "Smile", (v) => v.toFixed(1)],
  ["brows_up", "Brows up", (v) => v.toFixed(1)],
  ["covered", "Covered", (v) => `${(100 * v).toFixed(0)} %`],
  ["light", "Light", (v) => v.toFixed(2)],
  ["light_side", "Lit from", (v) => Math.abs(v) < 0.05 ? "both sides" : v < 0 ? "left" : "right"]
];
var panel;
var resting = 0;
var shown = -1;
var version = 0;
var ACTIONS = [
  ["accept", "Accept", "A"],
  ["reject", "Reject", "X"],
  ["assign", "Whose", "P"],
  ["edit", "Edit", "E"]
];
var act = () => {
};
function makeInspector(hear2) {
  act = hear2;
  panel = h("aside", { class: "inspector", "aria-label": "The face looked at" });
  return panel;
}
function lookAgain() {
  shown = -1;
  version += 1;
}
function inspect() {
  const { faces } = state;
  const at = state.order[state.cursor];
  if (!faces || at === void 0) {
    clearTimeout(resting);
    shown = -1;
    panel.replaceChildren(h("p", { class: "hint" }, "No face is like that. Choose other filters."));
    return;
  }
  const id = faces.id[at] ?? -1;
  const isNew = id !== shown;
  shown = id;
  const verdict = ["Open", "Accepted", "Rejected"][faces.verdict[at] ?? 0] ?? "";
  const why = (faces.why[at] ?? []).map((reason) => h("li", {}, faces.reasons[reason] ?? ""));
  const measures = SHOWN.flatMap(([name, title, write]) => {
    const value = faces.measures[name]?.[at];
    return value === null || value === void 0 ? [] : [h("dt", {}, title), h("dd", {}, write(value))];
  });
  const context = isNew ? h("div", { class: "context" }) : panel.querySelector(".context");
  panel.replaceChildren(
    h("img", { class: "crop", src: `/api/faces/${id}/crop?${version}`, alt: "", width: 272, height: 272 }),
    h(
      "div",
      { class: "line" },
      h("strong", {}, nameOf(faces, at)),
      h("span", { class: `verdict verdict-${faces.verdict[at]}` }, verdict)
    ),
    h(
      "div",
      { class: "actions" },
      ...ACTIONS.map(
        ([action, title, key]) => h("button", { class: "quiet", "data-action": action, title: `${title} (${key})`, click: () => act(action) }, title)
      )
    ),
    why.length > 0 ? h("ul", { class: "why" }, ...why) : "",
    h("p", { class: "dim" }, `Face ${id} · clip ${faces.clip[at]} · track ${faces.track[at]} · frame ${faces.frame[at]}`),
    context ?? "",
    h("dl", { class: "measures" }, ...measures)
  );
  if (isNew && context) {
    clearTimeout(resting);
    resting = window.setTimeout(() => void showContext(id, context), REST_MS2);
  }
}
async function showContext(id, place) {
  const face = await api.face(id).catch(() => null);
  if (!face || id !== shown) return;
  const picture2 = h("img", { alt: `Frame ${face.frame} of ${face.clip}` });
  const lines = h("canvas", { "aria-hidden": "true" });
  picture2.onload = () => {
    if (id !== shown) return;
    place.replaceChildren(picture2, lines);
    drawLines(lines, face, picture2);
  };
  picture2.onerror = () => place.replaceChildren(h("p", { class: "dim" }, "The footage cannot be read."));
  picture2.src = `/api/faces/${id}/frame`;
}
function drawLines(canvas2, face, over) {
  const density = window.devicePixelRatio || 1;
  const [width, height] = [over.clientWidth, over.clientHeight];
  canvas2.width = width * density;
  canvas2.height = height * density;
  const context = canvas2.getContext("2d");
  if (!context) return;
  const scale = width * density / face.width_px;
  const [left, top, right, bottom] = face.bbox.map((v) => v * scale);
  context.strokeStyle = "rgba(255, 255, 255, 0.9)";
  context.lineWidth = density;
  context.strokeRect(left, top, right - left, bottom - top);
  context.fillStyle = "rgba(120, 220, 255, 0.85)";
  for (const [x, y] of face.points) context.fillRect(x * scale - 0.5, y * scale - 0.5, density, density);
}

// src/sidebar.ts
var changed = () => {
};
function makeSidebar(hear2) {
  changed = hear2;
  return h("aside", { class: "sidebar", id: "sidebar", "aria-label": "Which faces" });
}
function set(part) {
  Object.assign(state.filters, part);
  state.selected.clear();
  state.cursor = 0;
  changed();
}
function fillSidebar() {
  const { faces, filters } = state;
  if (!faces) return;
  const count = (part) => {
    const wanted3 = { ...filters, ...part };
    let found = 0;
    for (let at = 0; at < faces.id.length; at++) if (matches(faces, at, wanted3)) found++;
    return found;
  };
  const choice = (title, part, isChosen, shown2 = title) => h(
    "button",
    { class: "choice", "aria-pressed": String(isChosen), "data-choice": title, click: () => set(part) },
    h("span", {}, shown2),
    h("span", { class: "count" }, thousands(count(part)))
  );
  const people = faces.people.map((name) => choice(name, { person: name }, filters.person === name));
  const verdicts = ["Open", "Accepted", "Rejected"].map(
    (title, verdict) => choice(title, { verdict }, filters.verdict === verdict)
  );
  const reasons = faces.reasons.map((title, reason) => choice(title, { reason }, filters.reason === reason, capital(title)));
  const suspicious = faces.id.reduce((sum, _, at) => sum + Number(isSuspicious(faces, at)), 0);
  const select2 = (label2, options, now, choose) => {
    const list = h("select", { id: `select-${label2.toLowerCase()}`, change: () => choose(list.value) });
    list.append(...options.map(([value, title]) => h("option", { value }, title)));
    list.value = now;
    return h("label", { class: "select" }, label2, list);
  };
  const focused = document.activeElement?.getAttribute("data-choice");
  byId("sidebar").replaceChildren(
    select2("Sort", Object.entries(SORTS).map(([key, { title }]) => [key, title]), filters.sort, (sort) => set({ sort })),
    select2("Group", Object.entries(GROUPS), filters.group, (to) => set({ group: to })),
    h("h2", {}, "Whose"),
    choice("Everybody", { person: "" }, filters.person === ""),
    ...people,
    faces.person.includes(-1) ? choice("Nobody in the project", { person: null }, filters.person === null) : "",
    h("h2", {}, "Verdict"),
    choice("All", { verdict: -1 }, filters.verdict === -1),
    ...verdicts,
    h("h2", {}, "Seems wrong"),
    choice("Either way", { reason: -1 }, filters.reason === -1),
    suspicious > 0 ? choice("Suspicious", { reason: -2 }, filters.reason === -2) : "",
    ...reasons
  );
  if (focused) byId("sidebar").querySelector(`[data-choice="${CSS.escape(focused)}"]`)?.focus();
}

// src/wall.ts
var GAP = 6;
var HEADING = 34;
var MARGIN = 12;
var SIZES = [64, 80, 96, 112, 128, 152, 184, 224];
var scroller;
var canvas;
var selection;
var spacer;
var rows = [];
var columns = 1;
var wanted2 = 112;
var size = 112;
var drawing = 0;
var moved = () => {
};
function makeWall(cursorMoved, opened) {
  moved = cursorMoved;
  canvas = h("canvas", { "aria-hidden": "true" });
  spacer = h("div", { class: "spacer" }, canvas);
  scroller = h(
    "div",
    {
      class: "wall",
      id: "wall",
      tabindex: 0,
      role: "application",
      "aria-label": "Wall of faces. Arrows move, A accepts, X rejects, G takes the group, question mark shows all keys."
    },
    spacer
  );
  scroller.addEventListener("scroll", draw, { passive: true });
  canvas.addEventListener("pointerdown", (event) => point(event));
  canvas.addEventListener("dblclick", opened);
  new ResizeObserver(() => layOut()).observe(scroller);
  onThumbnail(draw);
  selection = h("p", { class: "selection", role: "status" });
  return h("div", { class: "middle" }, scroller, selection);
}
function layOut() {
  const width = scroller.clientWidth - 2 * MARGIN;
  if (width <= 0) return;
  columns = Math.max(1, Math.floor((width + GAP) / (wanted2 + GAP)));
  size = Math.floor((width + GAP) / columns) - GAP;
  rows = [];
  let [top, first] = [6, 0];
  for (const { title, faces } of state.groups) {
    rows.push({ top, title, count: faces.length, from: first, to: first });
    top += HEADING;
    for (let from = 0; from < faces.length; from += columns) {
      const to = Math.min(from + columns, faces.length);
      rows.push({ top, from: first + from, to: first + to });
      top += size + GAP;
    }
    first += faces.length;
  }
  spacer.style.height = `${top + 6}px`;
  draw();
}
function draw() {
  if (drawing === 0) drawing = requestAnimationFrame(paint);
}
function paint() {
  drawing = 0;
  const { faces } = state;
  const [width, height] = [scroller.clientWidth, scroller.clientHeight];
  if (!faces || width === 0) return;
  const density = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * density) || canvas.height !== Math.round(height * density)) {
    canvas.width = Math.round(width * density);
    canvas.height = Math.round(height * density);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d", { alpha: false });
  if (!context) return;
  context.setTransform(density, 0, 0, density, 0, 0);
  context.fillStyle = GROUND;
  context.fillRect(0, 0, width, height);
  const chosen = state.selected.size;
  const told3 = chosen > 0 ? `${thousands(chosen)} selected · A accept · X reject · P whose · Esc none` : "";
  if (selection.textContent !== told3) selection.textContent = told3;
  const top = scroller.scrollTop;
  const [visible, soon] = [[], []];
  for (let at = firstRow(top - height); at < rows.length; at++) {
    const row2 = rows[at];
    if (!row2 || row2.top > top + 2 * height) break;
    const isSeen = row2.top + size > top && row2.top < top + height;
    for (let n = row2.from; n < row2.to; n++) {
      const id = faces.id[state.order[n] ?? -1];
      if (id !== void 0) (isSeen ? visible : soon).push(id);
    }
    if (!isSeen) continue;
    const y = row2.top - top;
    if (row2.title !== void 0) {
      paintHeading(context, row2.title, row2.count ?? 0, MARGIN, y + HEADING / 2, width - MARGIN);
    }
    for (let n = row2.from; n < row2.to; n++) {
      paintFace(context, n, MARGIN + (n - row2.from) * (size + GAP), y, size);
    }
  }
  want([...visible, ...soon]);
}
function firstRow(y) {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = low + high >> 1;
    if ((rows[middle]?.top ?? 0) + size < y) low = middle + 1;
    else high = middle;
  }
  return low;
}
function rowOf(place) {
  let [low, high] = [0, rows.length - 1];
  while (low <= high) {
    const middle = low + high >> 1;
    const row2 = rows[middle];
    if (!row2) return void 0;
    if (place < row2.from) high = middle - 1;
    else if (place >= row2.to) low = middle + 1;
    else return row2;
  }
  return void 0;
}
function point(event) {
  const box = canvas.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left - MARGIN, event.clientY - box.top + scroller.scrollTop];
  const row2 = rows[firstRow(y - 1)];
  const column = Math.floor(x / (size + GAP));
  if (!row2 || row2.title !== void 0 || column < 0 || row2.from + column >= row2.to) return;
  if (y < row2.top || x - column * (size + GAP) > size) return;
  scroller.focus({ preventScroll: true });
  const place = row2.from + column;
  if (event.shiftKey) moveTo(place, true);
  else {
    if (event.ctrlKey || event.metaKey) toggle(place);
    else state.selected.clear();
    moveTo(place, false);
  }
}
function toggle(place) {
  const id = state.faces?.id[state.order[place] ?? -1];
  if (id === void 0) return;
  if (!state.selected.delete(id)) state.selected.add(id);
  draw();
}
function moveTo(place, extend) {
  const { faces, order } = state;
  if (!faces || order.length === 0) return;
  state.cursor = Math.max(0, Math.min(order.length - 1, place));
  if (extend) {
    state.selected.clear();
    const [from, to] = [Math.min(state.anchor, state.cursor), Math.max(state.anchor, state.cursor)];
    for (const at of order.slice(from, to + 1)) state.selected.add(faces.id[at] ?? -1);
  } else {
    state.anchor = state.cursor;
  }
  reveal();
  draw();
  announce(describe(state.cursor));
  moved();
}
function reveal() {
  const row2 = rowOf(state.cursor);
  if (!row2) return;
  const [top, height] = [scroller.scrollTop, scroller.clientHeight];
  const isFirst = state.groups.length > 0 && rows[rows.indexOf(row2) - 1]?.title !== void 0;
  const above = row2.top - (isFirst ? HEADING : GAP);
  if (above < top) scroller.scrollTop = above;
  else if (row2.top + size + GAP > top + height) scroller.scrollTop = row2.top + size + GAP - height;
}
function moveRow(by, extend) {
  const here = rowOf(state.cursor);
  if (!here) return;
  const column = state.cursor - here.from;
  for (let at = rows.indexOf(here) + by; at >= 0 && at < rows.length; at += by) {
    const row2 = rows[at];
    if (row2 && row2.title === void 0) {
      moveTo(Math.min(row2.from + column, row2.to - 1), extend);
      return;
    }
  }
}
var pageOfFaces = () => columns * Math.max(1, Math.floor(scroller.clientHeight / (size + GAP)));
function resize(by) {
  const place = Math.max(0, Math.min(SIZES.length - 1, SIZES.indexOf(wanted2) + by));
  wanted2 = SIZES[place] ?? wanted2;
  layOut();
  reveal();
}
function describe(place) {
  const { faces } = state;
  const at = state.order[place];
  if (!faces || at === void 0) return "no faces";
  const verdict = ["", ", accepted", ", rejected"][faces.verdict[at] ?? 0] ?? "";
  const why = (faces.why[at] ?? []).map((reason) => faces.reasons[reason]).join(", ");
  return `Face ${faces.id[at]} of ${nameOf(faces, at)}, frame ${faces.frame[at]}${verdict}${why && `, ${why}`}`;
}
var focusWall = () => byId("wall").focus({ preventScroll: true });

// src/review.ts
var WORDS = { accept: "accepted", reject: "rejected", reopen: "left open" };
var VERDICTS = { accept: ACCEPTED, reject: REJECTED, reopen: OPEN };
var pending = 0;
function reviewPage() {
  return h("div", { class: "review" }, makeSidebar(refilter), makeWall(inspect, enlarge), makeInspector(act2));
}
function act2(action) {
  if (action === "assign") assign();
  else if (action === "edit") edit();
  else void judge(action);
  if (action === "accept" || action === "reject") focusWall();
}
function edit() {
  void editLandmarks(() => {
    forgetThumbnails();
    lookAgain();
    void refreshFaces();
  });
}
function refilter() {
  arrange();
  fillSidebar();
  layOut();
  reveal();
  inspect();
}
async function refreshFaces() {
  const before = state.faces;
  const faces = await api.faces();
  if (pending > 0 || faces.revision < (before?.revision ?? 0)) return;
  state.faces = faces;
  const same = (one, other) => one?.length === other.length && other.every((value, at) => value === one[at]);
  if (!same(before?.placed, faces.placed)) {
    forgetThumbnails();
    lookAgain();
  }
  if (!document.getElementById("wall")) return;
  const isKept = same(before?.id, faces.id) && same(before?.person, faces.person) && state.filters.verdict < 0;
  if (!isKept) {
    refilter();
    return;
  }
  fillSidebar();
  draw();
  inspect();
}
async function send3(decision) {
  pending += 1;
  try {
    know((await api.decide(decision)).revision);
    return true;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    toast(`Not saved: ${error.message}`, true);
    return false;
  } finally {
    pending -= 1;
  }
}
async function judge(kind) {
  const { faces } = state;
  const which = meant();
  if (!faces || which.length === 0) return;
  const before = which.map((at) => faces.verdict[at] ?? OPEN);
  const next = state.order[state.cursor + 1];
  const single = state.selected.size === 0;
  setVerdicts(faces, which, () => VERDICTS[kind]);
  state.selected.clear();
  after(single && next !== void 0 ? faces.id[next] ?? null : null);
  toast(`${which.length === 1 ? "1 face" : `${thousands(which.length)} faces`} ${WORDS[kind]} · U takes it back`);
  if (!await send3({ kind, faces: which.map((at) => faces.id[at] ?? -1) })) {
    setVerdicts(faces, which, (n) => before[n] ?? OPEN);
    after(null);
  }
}
function setVerdicts(faces, which, verdict) {
  which.forEach((at, n) => faces.verdict[at] = verdict(n));
}
function after(to) {
  const { faces, filters } = state;
  if (filters.verdict >= 0) arrange();
  const place = to === null || !faces ? -1 : state.order.findIndex((at) => faces.id[at] === to);
  fillSidebar();
  layOut();
  if (place >= 0) moveTo(place, false);
  else {
    inspect();
    announce(describe(state.cursor));
  }
}
async function takeBack(redo) {
  let told3;
  try {
    told3 = await (redo ? api.redo() : api.undo());
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    toast(error.message, true);
    return null;
  }
  know(told3.revision);
  const { decided } = told3;
  if (!decided) {
    toast(redo ? "There is nothing to redo" : "There is nothing to undo");
    return null;
  }
  const many = decided.tracks.length || decided.faces.length;
  const number = (word) => many === 1 ? `1 ${word}` : `${thousands(many)} ${word}s`;
  const what = decided.kind === "adjust" ? `how ${number("track")} ${many === 1 ? "is" : "are"} put on` : decided.tracks.length > 0 ? `whose ${number("track")}` : `${decided.kind === "place" ? "landmarks" : decided.kind} of ${number("face")}`;
  toast(`${redo ? "Done again" : "Taken back"}: ${what}`);
  const { faces } = state;
  if (!faces || decided.kind === "adjust") return decided.kind;
  const now = new Map(decided.faces.map((id, n) => [id, decided.verdicts[n] ?? OPEN]));
  faces.id.forEach((id, at) => {
    const verdict = now.get(id);
    if (verdict !== void 0) faces.verdict[at] = verdict;
  });
  if (document.getElementById("wall")) after(null);
  if (decided.kind === "place") {
    forgetThumbnails();
    lookAgain();
  }
  if (decided.tracks.length > 0 || decided.kind === "place") await refreshFaces();
  return decided.kind;
}
function assign() {
  const { faces } = state;
  const which = meant();
  if (!faces || which.length === 0) return;
  const tracks = tracksOf(faces, which);
  askPerson(faces.people, tracks.length, (person) => {
    void send3({ kind: "assign", tracks, person }).then(async (saved) => {
      if (!saved) return;
      toast(`${tracks.length === 1 ? "This track" : `${tracks.length} tracks`}: ${person ?? "nobody"} · U takes it back`);
      state.selected.clear();
      await refreshFaces();
    });
    focusWall();
  });
}
function enlarge() {
  const { faces } = state;
  const at = state.order[state.cursor];
  if (faces && at !== void 0) showFrame(faces.id[at] ?? -1, describe(state.cursor));
}
function select(which) {
  const { faces } = state;
  if (!faces) return;
  const ids = which.map((at) => faces.id[at] ?? -1);
  if (ids.every((id) => state.selected.has(id))) ids.forEach((id) => state.selected.delete(id));
  else ids.forEach((id) => state.selected.add(id));
  draw();
  announce(`${thousands(state.selected.size)} faces selected`);
}
function selectTrack() {
  const { faces } = state;
  const at = state.order[state.cursor];
  if (!faces || at === void 0) return;
  select(state.order.filter((n) => faces.clip[n] === faces.clip[at] && faces.track[n] === faces.track[at]));
}
function reviewKey(event) {
  const extend = event.shiftKey;
  switch (event.key) {
    case "ArrowLeft":
      moveTo(state.cursor - 1, extend);
      return true;
    case "ArrowRight":
      moveTo(state.cursor + 1, extend);
      return true;
    case "ArrowUp":
      moveRow(-1, extend);
      return true;
    case "ArrowDown":
      moveRow(1, extend);
      return true;
    case "PageUp":
      moveTo(state.cursor - pageOfFaces(), extend);
      return true;
    case "PageDown":
      moveTo(state.cursor + pageOfFaces(), extend);
      return true;
    case "Home":
      moveTo(0, extend);
      return true;
    case "End":
      moveTo(state.order.length - 1, extend);
      return true;
    case "Enter":
      enlarge();
      return true;
    case " ":
      toggle(state.cursor);
      return true;
    case "Escape":
      state.selected.clear();
      draw();
      return true;
    case "+":
    case "=":
      resize(1);
      return true;
    case "-":
      resize(-1);
      return true;
  }
  switch (event.key.toLowerCase()) {
    case "x":
      void judge("reject");
      return true;
    case "a":
      void judge("accept");
      return true;
    case "o":
      void judge("reopen");
      return true;
    case "g":
      select(groupAtCursor()?.faces ?? []);
      return true;
    case "e":
      edit();
      return true;
    case "t":
      selectTrack();
      return true;
    case "p":
      assign();
      return true;
  }
  return false;
}

// src/chart.ts
var CHART_COLOURS = ["#7fb3e6", "#e6a86a", "#8fce9b", "#d08fd0", "#d6d36f"];
var LEFT = 52;
var BOTTOM = 24;
function drawChart(canvas2, training) {
  const density = window.devicePixelRatio || 1;
  const [width, height] = [canvas2.clientWidth, canvas2.clientHeight];
  canvas2.width = width * density;
  canvas2.height = height * density;
  const context = canvas2.getContext("2d");
  if (!context) return;
  context.scale(density, density);
  const values = training.curves.flatMap(({ loss, held_out }) => [...loss, ...held_out]).filter((v) => v !== null && v > 0);
  if (values.length === 0) return;
  const [low, high] = [Math.min(...values) / 1.1, Math.max(...values) * 1.1];
  const last = Math.max(1, ...training.curves.map(({ iteration }) => iteration.at(-1) ?? 0));
  const x = (iteration) => LEFT + (width - LEFT - 10) * iteration / last;
  const y = (loss) => 8 + (height - BOTTOM - 8) * (Math.log(high) - Math.log(loss)) / (Math.log(high) - Math.log(low));
  context.font = "11px system-ui, sans-serif";
  context.fillStyle = "#9a9a9a";
  context.strokeStyle = "#383838";
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (let n = 0; n <= 4; n++) {
    const loss = Math.exp(Math.log(low) + (Math.log(high) - Math.log(low)) * n / 4);
    context.beginPath();
    context.moveTo(LEFT, y(loss));
    context.lineTo(width - 10, y(loss));
    context.stroke();
    context.fillText(loss.toPrecision(2), LEFT - 8, y(loss));
  }
  context.textBaseline = "top";
  for (let n = 0; n <= 4; n++) {
    context.textAlign = n === 0 ? "left" : n === 4 ? "right" : "center";
    context.fillText(Math.round(last * n / 4).toLocaleString("en"), x(last * n / 4), height - BOTTOM + 8);
  }
  training.curves.forEach(({ iteration, loss, held_out }, person) => {
    context.strokeStyle = CHART_COLOURS[person % CHART_COLOURS.length] ?? "#fff";
    for (const [line, dashes] of [[loss, []], [held_out, [5, 4]]]) {
      context.setLineDash(dashes);
      context.lineWidth = dashes.length > 0 ? 1.25 : 1.75;
      context.beginPath();
      let isFirst = true;
      line.forEach((value, at) => {
        if (value === null) return;
        const place = [x(iteration[at] ?? 0), y(value)];
        if (isFirst) context.moveTo(...place);
        else context.lineTo(...place);
        isFirst = false;
      });
      context.stroke();
      const last2 = line.at(-1);
      if (line.length === 1 && last2) {
        context.fillStyle = context.strokeStyle;
        context.fillRect(x(iteration[0] ?? 0) - 3, y(last2) - 3, 6, 6);
      }
    }
  });
  context.setLineDash([]);
}

// src/training.ts
var newest = null;
function trainingPage() {
  const minutes = h("input", { type: "number", id: "minutes", min: "1", step: "1", placeholder: "8", "aria-label": "Minutes" });
  const begin2 = () => void start("train", minutes.value === "" ? void 0 : Number(minutes.value));
  return h(
    "div",
    { class: "training" },
    h(
      "section",
      { class: "card" },
      h(
        "div",
        { class: "line" },
        h("h2", {}, "Training"),
        h("label", { class: "inline" }, "Minutes in all", minutes),
        h("button", { class: "main", id: "train", click: begin2 }, "Train"),
        h("button", { id: "enough", click: () => void stop() }, "Enough")
      ),
      h("p", { class: "dim", id: "trained" }, ""),
      h("canvas", { class: "chart", id: "chart", role: "img", "aria-label": "Losses over iterations" }),
      h("ul", { class: "legend", id: "legend" })
    ),
    h(
      "section",
      { class: "card" },
      h("h2", {}, "What the network draws"),
      h("div", { id: "preview" }, h("p", { class: "dim" }, "There is a picture with the first checkpoint."))
    )
  );
}
async function refreshTraining() {
  if (!document.getElementById("chart")) return;
  newest = await api.training();
  if (document.getElementById("chart")) show2(newest);
}
function redrawChart() {
  if (newest && document.getElementById("chart")) drawChart(byId("chart"), newest);
}
function show2(training) {
  const { iteration, trained_secs, preview, curves } = training;
  byId("trained").textContent = iteration === null ? "Nothing is trained yet." : `${thousands(iteration)} iterations in ${clock(trained_secs ?? 0)}`;
  drawChart(byId("chart"), training);
  byId("legend").replaceChildren(
    ...curves.filter(({ loss }) => loss.length > 0).map(({ person, loss, held_out }, at) => {
      const line = h("span", { class: "swatch" });
      line.style.background = CHART_COLOURS[at % CHART_COLOURS.length] ?? "";
      return h("li", {}, line, `${person}: loss ${(loss.at(-1) ?? 0).toFixed(4)}${dashed(held_out.at(-1))}`);
    })
  );
  const address = `/api/preview?v=${preview}`;
  const picture2 = byId("preview").querySelector("img");
  if (preview !== null && picture2?.getAttribute("src") !== address) {
    byId("preview").replaceChildren(h("img", { src: address, alt: "Faces as filmed and as drawn, person by person" }));
  }
  showButtons();
}
function dashed(value) {
  return value === null || value === void 0 ? "" : `, held-out ${value.toFixed(4)} (dashed)`;
}
function showButtons() {
  const running = state.job?.running ?? false;
  const train = document.getElementById("train");
  const enough = document.getElementById("enough");
  if (train) train.disabled = running;
  if (enough) enough.disabled = !running || state.job?.kind !== "train" || state.job.stopping;
}

// src/studio.ts
var PAGES = ["people", "faces", "training", "film"];
var REFRESH_MS = 1500;
var page = "faces";
var refreshing = false;
var refreshAgain = false;
async function refresh() {
  if (refreshing) {
    refreshAgain = true;
    return;
  }
  refreshing = true;
  try {
    state.project = await api.project();
    byId("project-name").textContent = state.project.name;
    if (page === "people") showPeople();
    await refreshFaces();
    await refreshTraining();
    await refreshFilm();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.status === 401) showDoor(error.message);
  } finally {
    window.setTimeout(() => {
      refreshing = false;
      if (refreshAgain) {
        refreshAgain = false;
        void refresh();
      }
    }, REFRESH_MS);
  }
}
function showPeople() {
  const { project } = state;
  if (!project) return;
  const review = (person) => {
    Object.assign(state.filters, { person, verdict: -1, reason: -1 });
    state.cursor = 0;
    show3("faces");
  };
  const focused = document.activeElement?.id;
  const find = h("button", { id: "extract", click: () => void start("extract") }, "Find faces in all clips");
  find.disabled = state.job?.running ?? false;
  byId("main").replaceChildren(h("div", { class: "scroll" }, h("div", { class: "line top" }, h("h1", {}, project.name), find), peoplePage(project, review)));
  if (focused) document.getElementById(focused)?.focus();
}
function show3(next) {
  page = next;
  if (page !== "film") history.replaceState(null, "", `#${page}`);
  fillTabs();
  if (page === "people") showPeople();
  else if (page === "training") {
    byId("main").replaceChildren(h("div", { class: "scroll" }, trainingPage()));
    showButtons();
    void refreshTraining();
  } else if (page === "film") {
    byId("main").replaceChildren(filmPage());
    void refreshFilm();
  } else {
    byId("main").replaceChildren(reviewPage());
    refilter();
    focusWall();
  }
}
function fillTabs() {
  byId("tabs").replaceChildren(
    ...PAGES.map(
      (name) => h(
        "button",
        { class: "tab", "aria-current": name === page ? "page" : void 0, click: () => show3(name) },
        name.charAt(0).toUpperCase() + name.slice(1)
      )
    )
  );
}
function hear(news) {
  if (news.kind === "job") {
    const before = state.job;
    state.job = news.job;
    showJob(before);
    showButtons();
    showFilmJob();
    const find = document.getElementById("extract");
    if (find) find.disabled = news.job?.running ?? false;
    return;
  }
  if (news.kind === "preview" || news.revision > (state.faces?.revision ?? 0)) void refresh();
}
function keys(event) {
  const target = event.target;
  if (document.querySelector("dialog[open]") || target.closest("select, textarea")) return;
  const input = target.closest("input");
  const isSlid = input?.type === "range" && /^(Arrow|Page|Home|End)/.test(event.key);
  const isTicked = input?.type === "checkbox" && event.key === " ";
  if (input && (isSlid || isTicked || !["range", "checkbox"].includes(input.type))) return;
  const isCommand = event.ctrlKey || event.metaKey;
  if (isCommand && event.key.toLowerCase() === "z") {
    event.preventDefault();
    void back(event.shiftKey);
    return;
  }
  if (isCommand || event.altKey) return;
  const presses = event.key === "Enter" || event.key === " ";
  if (presses && target.closest("button")) return;
  const number = PAGES[Number(event.key) - 1];
  if (event.key === "?") showHelp(page);
  else if (event.key.toLowerCase() === "u") void back(event.shiftKey);
  else if (number) show3(number);
  else if (page === "faces" && event.key !== "Tab" && reviewKey(event)) {
    event.preventDefault();
    return;
  } else if (page !== "film" || !filmKey(event)) return;
  event.preventDefault();
}
async function back(redo) {
  if (await takeBack(redo) === "adjust") await refreshFilm();
}
function showDoor(why) {
  byId("main").replaceChildren(
    h(
      "div",
      { class: "door" },
      h("h1", {}, "Bifrons studio"),
      h("p", {}, `${why.charAt(0).toUpperCase()}${why.slice(1)}.`),
      h("p", { class: "dim" }, "Each link lets one browser in, once; the terminal prints the next one.")
    )
  );
}
async function enter() {
  const secret = location.hash.slice(1);
  if (/^[0-9a-f]{64}$/.test(secret)) {
    history.replaceState(null, "", "/");
    await api.enter(secret);
    return;
  }
  const [name, ...place] = secret.split("/");
  if (PAGES.includes(name)) page = name;
  if (page === "film") goTo(place);
}
async function begin() {
  fillTabs();
  byId("undo").addEventListener("click", () => void back(false));
  byId("redo").addEventListener("click", () => void back(true));
  byId("help").addEventListener("click", () => showHelp(page));
  document.addEventListener("keydown", keys);
  window.addEventListener("resize", () => page === "training" ? redrawChart() : page === "faces" && draw());
  try {
    await enter();
    [state.project, state.faces] = await Promise.all([api.project(), api.faces()]);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    showDoor(error.message);
    return;
  }
  byId("project-name").textContent = state.project.name;
  document.title = `${state.project.name} · Bifrons studio`;
  show3(state.faces.id.length === 0 ? "people" : page);
  layOutWhenSeen();
  let wasThere = true;
  listen(hear, (there) => {
    if (there !== wasThere) toast(there ? "The studio is back" : "The studio does not answer; nothing is lost", !there);
    wasThere = there;
  });
}
function layOutWhenSeen() {
  requestAnimationFrame(() => page === "faces" && layOut());
}
void begin();
