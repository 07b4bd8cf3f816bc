// Looks a position up, or asks the kernel, and strokes lines. Every number drawn here was computed in Python
// (views) and packed there (grid.py). widget.py and live.py say what the traits mean.

const node = (tag, props = {}, ...children) => {
  const el = Object.assign(document.createElement(tag), props);
  el.append(...children);
  return el;
};
const row = (...children) => node("div", { className: "ll-row" }, ...children);
const push = (text, click) => {
  const button = node("button", { type: "button", textContent: text });
  button.addEventListener("click", click);
  return button;
};

const inflate = async (view) =>
  new Response(new Blob([view]).stream().pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
const copied = (view) => view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);

// Lay the series out one after the other: where each begins and how far apart its slider positions are.
function layout(series, shapes) {
  let start = 0;
  return series.map(({ name, panel, scrub, fill, shape }, k) => {
    const [a, b, size] = shapes?.[k] ?? shape;
    const one = { name, panel, scrub, fill, start, size, stride: [a > 1 ? b * size : 0, b > 1 ? size : 0] };
    start += a * b * size;
    return one;
  });
}

const MARKERS = {
  o: (g, x, y, r) => g.arc(x, y, r, 0, 7),
  s: (g, x, y, r) => g.rect(x - r, y - r, 2 * r, 2 * r),
  "^": (g, x, y, r) => (g.moveTo(x, y - r), g.lineTo(x + r, y + r), g.lineTo(x - r, y + r), g.closePath()),
  D: (g, x, y, r) => (g.moveTo(x, y - r), g.lineTo(x + r, y), g.lineTo(x, y + r), g.lineTo(x - r, y), g.closePath()),
  x: (g, x, y, r) => (g.moveTo(x - r, y - r), g.lineTo(x + r, y + r), g.moveTo(x + r, y - r), g.lineTo(x - r, y + r)),
  "": () => {},
};

function mark(g, marker, x, y, r) {
  g.beginPath();
  MARKERS[marker](g, x, y, r);
  marker === "x" ? g.stroke() : g.fill();
}

// An area of kind 1 is filled, one of kind 2 has its outline only.
function shade(g, kind) {
  if (kind === 2) return;
  g.globalAlpha = 0.35;
  g.fill();
  g.globalAlpha = 1;
}

// One series: a polyline with a marker every tenth step and a large one where the run stands.
// Returns the step at which the run has diverged, if it has by now.
function stroke(g, data, at, size, marker, upto, unit, fill) {
  const n = (size - 1) / 2, drawn = data[at], stop = Math.min(drawn, upto + 1), dots = [];
  let x = 0, y = 0;
  g.beginPath();
  for (let k = 0; k < stop; k++) {
    x += data[at + 1 + k];
    y += data[at + 1 + n + k];
    k ? g.lineTo(x, y) : g.moveTo(x, y);
    if (marker && k % 10 === 0) dots.push(x, y);
  }
  g.stroke();
  if (fill) return shade(g, fill);
  for (let d = 0; d < dots.length; d += 2) mark(g, marker, dots[d], dots[d + 1], 3 * unit);
  if (stop) mark(g, marker, x, y, 5 * unit);
  return drawn < n && drawn <= upto ? drawn : undefined;
}

// What is to be drawn: its lines (`series`, laid out, in `data`) at a slider position, and which of them are shown.
function draw(g, meta, { data, series, index, step }, shown, ink, place) {
  const unit = meta.size[2];
  g.setTransform(1, 0, 0, 1, 0, 0);
  g.clearRect(0, 0, g.canvas.width, g.canvas.height);
  g.lineWidth = 1.8 * unit;
  g.lineJoin = "bevel";
  g.font = `${13 * unit}px sans-serif`;
  let line = 0;
  for (const s of series) {
    if (!shown.has(meta.names[s.name])) continue;
    const panel = meta.panels[s.panel], { scale, dx, dy } = place(panel);
    g.save();
    g.setTransform(scale / unit, 0, 0, scale / unit, dx * scale, dy * scale);
    g.beginPath();
    g.rect(...panel.map((v) => v * unit));
    g.clip();
    g.strokeStyle = g.fillStyle = ink[s.name];
    const at = s.start + (index[0] ?? 0) * s.stride[0] + (index[1] ?? 0) * s.stride[1];
    const end = stroke(g, data, at, s.size, meta.markers[s.name], s.scrub ? step : 1e9, unit, s.fill);
    if (end !== undefined && s.panel === 0) {
      const [left, top, , h] = panel, y = top + h - 10 - 18 * line++;
      mark(g, "x", (left + 14) * unit, (y - 4) * unit, 4 * unit);
      g.fillText(meta.diverged.replace("{name}", meta.names[s.name]).replace("{step}", end), (left + 24) * unit, y * unit);
    }
    g.restore();
  }
}

// ---- controls

// Keys that are pressed here are not for the notebook. JupyterLab asks each element whether it suppresses
// shortcuts, from the focused one upwards, and others listen further up.
const own = (el) => {
  el.querySelectorAll("input, select, button, canvas, .ll-scroll").forEach((e) => (e.dataset.lmSuppressShortcuts = "true"));
  for (const kind of ["keydown", "keypress", "keyup"]) el.addEventListener(kind, (e) => e.stopPropagation());
  el.addEventListener("keydown", (e) => e.key === " " && e.target.type === "range" && e.preventDefault()); // it would scroll
};

function slider(label, values, value) {
  const input = node("input", { type: "range", min: 0, max: values.length - 1, step: 1, value });
  const shown = node("span", { className: "ll-value" });
  shown.setAttribute("aria-hidden", "true"); // aria-valuetext says it
  const say = () => {
    shown.textContent = values[input.value];
    input.setAttribute("aria-valuetext", values[input.value]);
  };
  input.addEventListener("input", say);
  const set = (v) => ((input.value = v), say());
  set(value);
  return { input, set, row: node("label", { className: "ll-slider" }, node("span", { textContent: label }), input, shown) };
}

function legend(meta, shown, changed) {
  const paint = [];
  const boxes = meta.names.map((name, i) => {
    const swatch = node("canvas", { className: "ll-swatch", width: 28, height: 28 });
    const box = node("input", { type: "checkbox", checked: shown.has(name) });
    box.addEventListener("change", () => (box.checked ? shown.add(name) : shown.delete(name), changed()));
    paint.push((ink) => {
      const g = swatch.getContext("2d");
      g.clearRect(0, 0, 28, 28);
      g.strokeStyle = g.fillStyle = ink[i];
      g.lineWidth = 4;
      const kind = meta.series.find((s) => s.name === i).fill;
      g.beginPath();
      kind ? g.rect(4, 4, 20, 20) : (g.moveTo(0, 14), g.lineTo(28, 14));
      g.stroke();
      kind ? shade(g, kind) : mark(g, meta.markers[i], 14, 14, 8);
    });
    return { box, name, row: node("label", {}, box, swatch, node("span", { textContent: name })) };
  });
  const set = (names) => boxes.forEach(({ box, name }) => (box.checked = names.includes(name)));
  return { row: row(...boxes.map((b) => b.row)), set, paint: (ink) => paint.forEach((p) => p(ink)) };
}

function menus(choices, chosen) {
  const all = Object.entries(choices).map(([name, [value, options]]) => {
    const menu = node("select", {}, ...options.map((o) => node("option", { value: o, textContent: o })));
    menu.value = value;
    menu.addEventListener("change", () => chosen([name, menu.value]));
    return { name, menu, row: node("label", {}, node("span", { textContent: name }), menu) };
  });
  const set = (now) => all.forEach(({ name, menu }) => (menu.value = now[name][0]));
  return { row: row(...all.map((m) => m.row)), set };
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// A handle on the picture: dragged with a pointer, moved with arrow keys; tells where it is in CSS pixels of the stage.
function handle(meta, { stage, place: scaled }, moved) {
  const button = node("button", { className: "ll-point", type: "button" });
  button.setAttribute("aria-label", "start point: drag, or move with the arrow keys");
  const here = () => scaled(meta().panels[0], stage.clientWidth);
  let at = meta().point, down = false;
  const place = ([x, y] = at) => {
    const [left, top, w, h] = meta().panels[0], { scale, dx, dy } = here();
    at = [Math.min(Math.max(x, left), left + w), Math.min(Math.max(y, top), top + h)];
    Object.assign(button.style, { left: `${(at[0] + dx) * scale}px`, top: `${(at[1] + dy) * scale}px` });
  };
  const follow = (e) => {
    const box = stage.getBoundingClientRect(), { scale, dx, dy } = here();
    place([(e.clientX - box.left) / scale - dx, (e.clientY - box.top) / scale - dy]);
  };
  button.addEventListener("pointerdown", (e) => ((down = true), button.setPointerCapture(e.pointerId)));
  button.addEventListener("pointermove", (e) => down && (follow(e), moved(at, true)));
  const up = () => down && ((down = false), moved(at, false));
  button.addEventListener("pointerup", up);
  button.addEventListener("pointercancel", up);
  button.addEventListener("keydown", (e) => {
    if (!ARROWS[e.key]) return;
    e.preventDefault();
    place([at[0] + 4 * ARROWS[e.key][0], at[1] + 4 * ARROWS[e.key][1]]);
    moved(at, false);
  });
  return { button, place };
}

const PAD = "drawing pad: draw with mouse, finger or pen; or move the pen with the arrow keys, and put it down or lift it with space";

// Ink on a grid of side × side cells. What is seen is what is sent: the browser's own strokes, their coverage as bytes.
function drawingPad([side, pen], changed) {
  const canvas = node("canvas", { width: side, height: side, tabIndex: 0 });
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", PAD);
  const g = canvas.getContext("2d", { willReadFrequently: true });
  Object.assign(g, { lineCap: "round", lineJoin: "round", lineWidth: pen });
  const tip = node("span", { className: "ll-tip" }), word = node("span", { role: "status" });
  let last, rubbing = false, at = [side / 2, side / 2], down = false;
  const line = (from, to, erase) => {
    g.globalCompositeOperation = erase ? "destination-out" : "source-over";
    g.beginPath();
    g.moveTo(...from);
    g.lineTo(to[0] + 0.01, to[1]); // a dot if the pen has not moved
    g.stroke();
    changed();
  };
  const cell = (e) => {
    const box = canvas.getBoundingClientRect();
    return [((e.clientX - box.left) * side) / box.width, ((e.clientY - box.top) * side) / box.height];
  };
  const follow = (e) => {
    if (!last) return;
    for (const one of e.getCoalescedEvents?.() ?? [e]) {
      const to = cell(one);
      line(last, to, rubbing || e.buttons & 32); // 32: the rubber end of a pen
      last = to;
    }
  };
  canvas.addEventListener("pointerdown", (e) => {
    if (e.button !== 0 && e.button !== 5) return;
    canvas.setPointerCapture(e.pointerId);
    last = cell(e);
    line(last, last, rubbing || e.buttons & 32);
  });
  canvas.addEventListener("pointermove", follow);
  const up = () => (last = undefined);
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", up);
  const move = ([x, y]) => {
    at = [Math.min(Math.max(x, 0), side), Math.min(Math.max(y, 0), side)];
    Object.assign(tip.style, { left: `${(100 * at[0]) / side}%`, top: `${(100 * at[1]) / side}%` });
    tip.classList.toggle("ll-down", down);
    word.textContent = down ? (rubbing ? "Eraser down." : "Pen down.") : "Pen up.";
  };
  canvas.addEventListener("keydown", (e) => {
    if (!ARROWS[e.key] && e.key !== " ") return;
    e.preventDefault();
    const from = at;
    if (e.key === " ") down = !down;
    else move([at[0] + (ARROWS[e.key][0] * side) / 28, at[1] + (ARROWS[e.key][1] * side) / 28]);
    move(at);
    if (down) line(from, at, rubbing);
  });
  canvas.addEventListener("blur", () => ((down = false), move(at)));
  move(at);
  const bytes = () => {
    const { data } = g.getImageData(0, 0, side, side);
    return new DataView(Uint8Array.from({ length: side * side }, (_, k) => data[4 * k + 3]).buffer);
  };
  const set = (view) => {
    const image = g.createImageData(side, side);
    for (let k = 0; k < side * side; k++) image.data[4 * k + 3] = view.getUint8(k);
    g.putImageData(image, 0, 0);
  };
  const eraser = push("Eraser", () => {
    rubbing = !rubbing;
    eraser.setAttribute("aria-pressed", rubbing);
  });
  eraser.setAttribute("aria-pressed", false);
  const clear = push("Clear", () => (g.clearRect(0, 0, side, side), changed()));
  const paper = node("div", { className: "ll-pad" }, canvas, tip);
  return { paper, tools: row(eraser, clear, word), bytes, set };
}

// A small picture, every pixel sharp: a byte is how much ink lies there.
function thumbnail() {
  const canvas = node("canvas"), box = node("figure", { className: "ll-seen" }, node("div", {}, canvas), node("figcaption", { textContent: "what the network sees" }));
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", "what the network sees");
  const set = (view, [height, width]) => {
    box.hidden = !width;
    if (!width) return;
    Object.assign(canvas, { width, height });
    const g = canvas.getContext("2d"), image = g.createImageData(width, height);
    for (let k = 0; k < width * height; k++) image.data[4 * k + 3] = view.getUint8(k);
    g.putImageData(image, 0, 0);
  };
  return { box, set };
}

// ---- the kernel

const GONE = "The kernel does not answer. It may be busy, or gone: run this cell again.";

// One request is under way; of those that come meanwhile the newest values are kept and sent next. Never a queue.
function talk(model, fill, said, gone = () => {}) {
  let sent = 0, free = true, next, timer;
  const lost = () => {
    free = true;
    said(GONE);
    gone();
  };
  const send = (what) => {
    free = false;
    sent = Math.max(Date.now(), sent + 1);
    clearTimeout(timer);
    timer = setTimeout(lost, 4000);
    fill();
    model.set("ask", { ...what, n: sent });
    try {
      model.save_changes();
    } catch {
      lost();
    }
  };
  const ask = (what) => {
    if (what.choice) next = { fresh: next?.fresh, ...what, choice: [...(next?.choice ?? []), ...what.choice] };
    else next = what.fresh ? what : { ...next, ...what };
    if (!free) return;
    [what, next] = [next, undefined];
    send(what);
  };
  const landed = () => {
    const { n, problem } = model.get("answered");
    if (n < sent) return;
    clearTimeout(timer);
    free = true;
    said(problem && `That did not work: ${problem}`);
    if (next) ask({});
  };
  model.on("change:answered", landed);
  const stop = () => (clearTimeout(timer), model.off("change:answered", landed));
  return { ask, newest: () => sent, idle: () => free && !next, stop };
}

// ---- what both kinds of explorers have

const LEGIBLE = 560; // CSS pixels: on a whole stage of less than that, words are too small to read

function explorer({ model, el }) {
  const state = structuredClone(model.get("state")), shown = new Set(state.shown);
  let told = model.get("meta"), pngs = model.get("stages");
  const meta = () => told, images = [], canvas = node("canvas"), stage = node("div", { className: "ll-stage" });
  const box = node("div", { className: "ll-scroll" }, stage);
  const status = node("div", { className: "ll-say" }), code = node("code");
  const g = canvas.getContext("2d");
  let picture, texts = [""], frame = 0, sayTimer, problem = "", url;
  canvas.setAttribute("role", "img");
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", "picture");
  status.setAttribute("aria-live", "polite");

  const dark = () => {
    const jupyter = document.body.dataset.jpThemeLight;
    return jupyter ? jupyter === "false" : matchMedia("(prefers-color-scheme: dark)").matches;
  };

  // On a narrow page the pieces of the stage stand on each other, each as wide as the page; a single one scrolls.
  let narrow = false;
  const full = () => (narrow ? Math.max(...meta().pieces.map(([, w]) => w)) : meta().size[0]);
  function place([left], width = canvas.width) {
    const scale = width / full();
    const k = Math.max(meta().pieces.findLastIndex(([x]) => x <= left), 0);
    return narrow ? { scale, dx: -meta().pieces[k][0], dy: k * meta().size[1] } : { scale, dx: 0, dy: 0 };
  }
  function size() {
    const { pieces, size: [, height] } = meta(), rows = () => (narrow ? pieces.length : 1);
    const small = box.clientWidth > 0 && box.clientWidth < LEGIBLE, scrolls = small && pieces.length === 1 && full() > LEGIBLE;
    narrow = small && pieces.length > 1;
    stage.style.minWidth = scrolls ? `${LEGIBLE}px` : "";
    scrolls ? box.setAttribute("tabindex", 0) : box.removeAttribute("tabindex");
    stage.style.aspectRatio = `${full()} / ${rows() * height}`;
    canvas.width = Math.round((stage.clientWidth || full()) * devicePixelRatio);
    canvas.height = Math.round((canvas.width * rows() * height) / full());
    pieces.forEach(([x, w], k) => {
      const box = images[k].parentElement.style, part = (v) => `${(100 * v) / full()}%`;
      Object.assign(box, { left: narrow ? 0 : part(x), width: part(w), top: `${(100 * (narrow ? k : 0)) / rows()}%`, height: `${100 / rows()}%` });
      Object.assign(images[k].style, { width: `${(100 * meta().size[0]) / w}%`, left: `${(-100 * x) / w}%` });
    });
    ui.resized();
    paint(); // at once: a canvas that changes its size is empty
  }

  function paint() {
    frame = 0;
    if (!picture) return;
    const now = picture(), ink = meta().ink[dark() ? "dark" : "light"];
    draw(g, meta(), now, shown, ink, place);
    clearTimeout(sayTimer);
    sayTimer = setTimeout(say, 300);
    el.dispatchEvent(new CustomEvent("losslab:painted", { bubbles: true, detail: { index: [...now.index], step: now.step } }));
  }
  const ask = () => (frame ||= requestAnimationFrame(paint));

  function sentence() {
    const { names, says, nothing } = meta(), at = ui.position(), count = texts.length / (says.length + 1);
    const parts = says.flatMap((name, k) => (shown.has(names[name]) ? [texts[(k + 1) * count + at]] : []));
    return says.length ? `${texts[at]} ${parts.join(", ") || nothing}.` : texts[at];
  }
  const write = (where, text) => where.textContent === text || (where.textContent = text);
  function say() {
    write(status, problem || sentence());
    canvas.setAttribute("aria-label", sentence());
    const { call: [call, settings], names, literals } = meta(), words = { ...settings };
    meta().sliders.forEach((s, k) => (words[s.name] = s.literals[state.index[k]]));
    if (meta().steps) words.step = state.step;
    if (shown.size < names.length) words.shown = `[${literals.filter((_, k) => shown.has(names[k])).join(", ")}]`;
    write(code, `${call}(${Object.entries(words).map(([k, v]) => `${k}=${v}`).join(", ")})`);
  }

  // The kernel hears of a control when it is let go, never while it moves; and so do other views of this explorer.
  const now = () => ({ ...state, index: [...state.index], shown: meta().names.filter((name) => shown.has(name)) });
  const fill = () => model.set("state", now());
  function adopt() {
    const given = model.get("state");
    if (JSON.stringify(given) === JSON.stringify(now())) return;
    setState(structuredClone(given));
  }
  function setState(given) {
    Object.assign(state, given);
    shown.clear();
    given.shown.forEach((name) => shown.add(name));
    panel.set(given.shown);
    ui.moved();
    ask();
  }
  function release() {
    fill();
    try {
      model.save_changes();
    } catch {} // the kernel is gone; nothing here needs it
  }

  function theme() {
    const name = dark() ? "dark" : "light";
    el.style.colorScheme = name;
    el.classList.toggle("ll-dark", name === "dark");
    const before = url;
    url = URL.createObjectURL(new Blob([pngs[name]], { type: "image/png" }));
    images.forEach((image) => (image.src = url));
    URL.revokeObjectURL(before);
    panel.paint(meta().ink[name]);
    ask();
  }

  const panel = legend(meta(), shown, () => (say(), ask(), release()));
  const copy = push("Copy", async () => {
    say();
    try {
      await navigator.clipboard.writeText(code.textContent);
      copy.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code); // no clipboard on this page: the line is selected instead
    }
    setTimeout(() => (copy.textContent = "Copy"), 1500);
  });
  stage.append(canvas);

  // Another stage may be cut elsewhere, and into more pieces or fewer.
  function restage(meta, stages) {
    const drawn = stages !== pngs || images.length !== meta.pieces.length;
    [told, pngs] = [meta, stages];
    while (images.length > told.pieces.length) images.pop().parentElement.remove();
    while (images.length < told.pieces.length) {
      images.push(node("img", { alt: "" }));
      canvas.before(node("div", { className: "ll-piece" }, images.at(-1)));
    }
    size();
    if (drawn) theme();
  }

  const media = matchMedia("(prefers-color-scheme: dark)"), seen = new MutationObserver(theme), fit = new ResizeObserver(size);
  const open = (above, below) => {
    el.classList.add("ll");
    el.append(...above, ...below, panel.row, status, row(copy, code));
    own(el);
    seen.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
    media.addEventListener("change", theme);
    model.on("change:state", adopt);
    restage(told, pngs);
    fit.observe(box);
  };
  const close = () => {
    clearTimeout(sayTimer);
    cancelAnimationFrame(frame);
    seen.disconnect();
    fit.disconnect();
    media.removeEventListener("change", theme);
    model.off("change:state", adopt);
    URL.revokeObjectURL(url);
  };
  const show = (now, words) => ((picture = now), (texts = words), ask());
  const said = (text) => text !== problem && ((problem = text), say());
  const ui = { state, meta, restage, box, stage, status, place, ask, say, said, fill, release, open, close, show, setState, position: () => 0, resized() {}, moved() {} };
  return ui;
}

// ---- every position is here already

async function grid({ model, el }) {
  const ui = explorer({ model, el }), { state, meta } = ui, first = structuredClone(state);
  const kernel = talk(model, ui.fill, said);
  const position = () => state.index[0] * (meta().sliders[1]?.values.length ?? 1) + state.index[1];
  ui.position = position;

  function said(problem) {
    ui.said(problem);
    chosen();
  }
  // Menus say what is shown, unless something else has been asked for.
  const chosen = () => kernel.idle() && choices.set(model.get("meta").choices);

  // Stage and lines change together, when they are unpacked; if meanwhile others have come, those.
  let loads = 0;
  async function load() {
    const turn = ++loads, told = model.get("meta"), stages = model.get("stages"), series = layout(told.series);
    const raw = await inflate(model.get("atlas"));
    if (turn !== loads) return;
    const last = series.at(-1), [a, b, size] = told.series.at(-1).shape, end = 2 * (last.start + a * b * size);
    const data = new Int16Array(raw, 0, end / 2), texts = new TextDecoder().decode(raw.slice(end)).split("\n");
    ui.show(() => ({ data, series, ...state }), texts);
    if (told !== meta()) ui.restage(told, stages);
    if (told.point) grip.place(told.point);
    chosen();
    ui.say();
  }
  function previewed() {
    const view = model.get("preview");
    if (!view.byteLength) return load();
    loads++; // what is being unpacked is older
    const data = new Int16Array(copied(view)), series = layout(meta().series, meta().series.map((s) => [1, 1, s.shape[2]]));
    ui.show(() => ({ data, series, ...state }), Array(1 + meta().says.length).fill("…"));
  }

  const grip = handle(meta, ui, (point, moving) => kernel.ask({ point, preview: moving }));
  if (meta().point) ui.stage.append(grip.button);
  if (meta().point) ui.resized = () => grip.place();
  const choices = menus(meta().choices, (choice) => kernel.ask({ choice }));
  const sliders = meta().sliders.map(({ label, values }, k) => {
    const s = slider(label, values, state.index[k]);
    s.input.addEventListener("input", () => ((state.index[k] = +s.input.value), ui.ask()));
    s.input.addEventListener("change", ui.release);
    return s;
  });
  const steps = slider("step", Array.from({ length: meta().steps + 1 }, (_, k) => String(k)), state.step);
  const goto = (step) => (steps.set(step), (state.step = step), ui.ask());
  steps.input.addEventListener("input", () => (pause(), goto(+steps.input.value)));
  steps.input.addEventListener("change", ui.release);
  steps.row.classList.add("ll-steps");
  ui.moved = () => (sliders.forEach((s, k) => s.set(state.index[k])), steps.set(state.step));

  // Whoever prefers less motion gets ten pictures of a run, one a second.
  let playing = 0;
  const pause = () => ((playing = cancelAnimationFrame(playing)), (play.textContent = "Play"));
  const play = push("Play", () => {
    if (playing) return pause(), ui.release();
    const last = meta().steps, from = state.step < last ? state.step : 0, began = performance.now();
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches, [pace, jump] = calm ? [1000, Math.ceil(last / 10)] : [40, 1];
    play.textContent = "Pause";
    const tick = (now) => {
      const step = Math.min(from + jump * Math.floor(Math.max(now - began, 0) / pace), last);
      if (step !== state.step) goto(step);
      if (step === last) return pause(), ui.release();
      playing = requestAnimationFrame(tick);
    };
    goto(from);
    playing = requestAnimationFrame(tick);
  });
  const reset = push("Reset", () => {
    pause();
    ui.setState(structuredClone(first));
    ui.release();
    if (choices.row.childElementCount || meta().point) kernel.ask({ fresh: true });
  });

  ui.open([choices.row, row(...sliders.map((s) => s.row)), ui.box], [row(...(meta().steps ? [play, steps.row] : []), reset)]);
  model.on("change:meta", load);
  model.on("change:preview", previewed);
  await load();
  return () => {
    pause();
    kernel.stop();
    ui.close();
    loads++;
    model.off("change:meta", load);
    model.off("change:preview", previewed);
  };
}

// ---- the kernel computes

function live({ model, el }) {
  const ui = explorer({ model, el }), { state, meta } = ui, first = structuredClone(state);
  const { trains, pad: [side] } = meta();
  let running = false, inked = false, waiting = 0, watch;
  const fill = () => {
    ui.fill();
    if (inked) model.set("ink", pad.bytes());
    inked = false;
  };
  const kernel = talk(model, fill, said, () => trains && busy(false));
  const changed = () => (waiting ||= requestAnimationFrame(() => ((waiting = 0), kernel.ask({}))));

  const pad = drawingPad(meta().pad, () => ((inked = true), changed())), seen = thumbnail();
  const reink = () => inked || pad.set(model.get("ink"));
  const choices = menus(meta().choices, (choice) => kernel.ask({ choice, run: false }));
  const sliders = meta().sliders.map(({ label, values }, k) => {
    const s = slider(label, values, state.index[k]);
    s.input.addEventListener("input", () => ((state.index[k] = +s.input.value), trains ? ui.say() : changed()));
    s.input.addEventListener("change", () => (running ? kernel.ask({ run: true }) : ui.release()));
    return s;
  });
  ui.moved = () => sliders.forEach((s, k) => s.set(state.index[k]));
  const run = push("Run", () => (busy(!running), kernel.ask({ run: running })));
  const bar = node("progress"), words = node("span", { className: "ll-value" });
  bar.setAttribute("aria-label", "progress");
  const busy = (now) => {
    running = now;
    run.textContent = running ? "Stop" : "Run";
    ui.status.setAttribute("aria-busy", running); // said when it has ended, not twenty times a second
  };
  const progress = (done) => {
    bar.hidden = words.hidden = !done;
    if (done) [bar.value, bar.max] = done;
    if (done) words.textContent = `step ${done[0]} of ${done[1]}`;
  };

  function said(problem) {
    ui.said(problem);
    chosen();
  }
  // Menus say what is shown, unless something else has been asked for.
  const chosen = () => kernel.idle() && choices.set(model.get("meta").choices);

  function answered() {
    const a = model.get("answer");
    if (a.n < kernel.newest()) return; // of an earlier run
    const data = new Int16Array(copied(a.data)), series = layout(model.get("meta").series, a.shapes);
    ui.show(() => ({ data, series, index: a.index, step: 0 }), a.texts);
    if (model.get("meta") !== meta()) ui.restage(model.get("meta"), model.get("stages"));
    chosen();
    ui.said(a.problem);
    seen.set(a.image, a.shape);
    if (!trains) return;
    clearTimeout(watch);
    if (a.running) watch = setTimeout(() => (busy(false), ui.said(GONE)), 10_000);
    ui.say();
    progress(a.done);
    if (a.running !== running) busy(a.running);
  }
  const reset = push("Reset", () => {
    ui.setState(structuredClone(first));
    if (side) pad.set(ink), (inked = true);
    if (trains) busy(false);
    kernel.ask({ fresh: true, run: false });
  });
  const ink = model.get("ink");

  const tools = row(...(trains ? [run, bar, words] : []), reset);
  const desk = side ? node("div", { className: "ll-desk" }, node("div", {}, pad.paper, pad.tools, seen.box), ui.box) : ui.box;
  ui.open([choices.row, row(...sliders.map((s) => s.row)), desk], [tools]);
  model.on("change:answer", answered);
  if (side) model.on("change:ink", reink), reink();
  answered();
  ui.say();
  return () => {
    cancelAnimationFrame(waiting);
    clearTimeout(watch);
    kernel.stop();
    ui.close();
    model.off("change:answer", answered);
    model.off("change:ink", reink);
  };
}

const render = (view) => (view.model.get("meta").live ? live(view) : grid(view));
export default { render };
