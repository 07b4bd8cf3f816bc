// Controls: sliders, legend, menus, the handle on a picture, the drawing pad, a small picture, the line to copy.
// Each is a small factory: elements to put on the page, and functions that set them. What it says is in `meta`;
// what a reader does with it goes to the functions it was given.

const row = (...children) => node("div", { className: "ll-row" }, ...children);
const push = (text, click) => {
  const button = node("button", { type: "button", textContent: text });
  button.addEventListener("click", click);
  return button;
};
const within = (value, low, high) => Math.min(Math.max(value, low), high);

// Keys pressed here are not for the notebook. JupyterLab asks each element whether it suppresses
// shortcuts, from the focused one upwards, and others listen further up.
function own(el) {
  for (const control of el.querySelectorAll("input, select, button, canvas, .ll-scroll")) {
    control.dataset.lmSuppressShortcuts = "true";
  }
  for (const kind of ["keydown", "keypress", "keyup"]) el.addEventListener(kind, (e) => e.stopPropagation());
  el.addEventListener("keydown", (e) => {
    if (e.key === " " && e.target.type === "range") e.preventDefault(); // it would scroll
  });
}

// ---- sliders, legend, menus

function slider(label, values, value) {
  const input = node("input", { type: "range", min: 0, step: 1 });
  const shown = node("span", { className: "ll-value" });
  shown.setAttribute("aria-hidden", "true"); // aria-valuetext says it
  const say = () => {
    shown.textContent = values[input.value];
    input.setAttribute("aria-valuetext", values[input.value]);
  };
  const set = (position) => {
    input.value = position;
    say();
  };
  // Other values for the same positions; of fewer, the last one stands for those that are gone.
  const rename = (given) => {
    values = given;
    input.max = values.length - 1;
    say();
  };
  input.addEventListener("input", say);
  rename(values);
  set(value);
  const row = node("label", { className: "ll-slider" }, node("span", { textContent: label }), input, shown);
  return { input, set, rename, row };
}

// Whether slider k changes anything that is shown, a line or a word. A live explorer computes what will change.
function matters({ meta: { live, keys, series, said, says }, shown }, k) {
  const lines = live ? [] : series.filter((s) => shown.has(keys[s.name])).map((s) => s.shape);
  const words = live ? [] : said.filter((_, n) => !n || shown.has(keys[says[n - 1]]));
  return live || [...lines, ...words].some((shape) => shape[k] > 1);
}

// What has no effect is not offered, and its place is kept: nothing else moves.
const offer = (el, offered) => (el.style.visibility = offered ? "" : "hidden");

// The sliders of an explorer, which move `state.index`.
function knobs(view, moved, released) {
  const { meta, state } = view;
  const all = meta.sliders.map(({ label, values }, k) => {
    const one = slider(label, values, state.index[k]);
    one.input.addEventListener("input", () => {
      state.index[k] = +one.input.value;
      moved();
    });
    one.input.addEventListener("change", released);
    return one;
  });
  const set = () => all.forEach((one, k) => one.set(state.index[k]));
  const settle = () => all.forEach((one, k) => offer(one.row, matters(view, k)));
  return { row: row(...all.map((one) => one.row)), set, settle };
}

// How a line looks, twice as large: 36 × 14 CSS pixels.
function swatch({ fill, dash }, marker) {
  const canvas = node("canvas", { className: "ll-swatch", width: 72, height: 28 });
  const g = canvas.getContext("2d");
  const paint = (colour) => {
    g.clearRect(0, 0, 72, 28);
    g.strokeStyle = g.fillStyle = colour;
    g.lineWidth = 4;
    g.beginPath();
    if (fill) {
      g.rect(4, 4, 64, 20);
      shade(g, fill);
    } else {
      g.setLineDash(dash.map((part) => part * g.lineWidth));
      g.moveTo(0, 14);
      g.lineTo(72, 14);
      g.stroke();
      g.setLineDash([]);
      mark(g, marker, 36, 14, 8);
    }
  };
  return { canvas, paint };
}

// A box for each line, which adds its key to `shown` or removes it.
function legend({ meta, shown }, changed) {
  const lines = meta.keys.map((key, k) => {
    const sample = swatch(meta.series.find((s) => s.name === k), meta.markers[k]);
    const box = node("input", { type: "checkbox", checked: shown.has(key) });
    box.addEventListener("change", () => {
      if (box.checked) shown.add(key);
      else shown.delete(key);
      changed();
    });
    const label = node("label", {}, box, sample.canvas, node("span", { textContent: meta.names[k] }));
    return { box, key, sample, label };
  });
  const set = () => lines.forEach(({ box, key }) => (box.checked = shown.has(key)));
  const paint = (colours) => lines.forEach(({ sample }, k) => sample.paint(colours[k]));
  return { row: row(...lines.map((line) => line.label)), set, paint };
}

// A menu for each choice, {name: [value, [[value, label], …], label of the menu]}.
function menus(choices, chosen) {
  const all = Object.entries(choices).map(([name, [value, options, label]]) => {
    const menu = node("select", {}, ...options.map(([value, text]) => node("option", { value, textContent: text })));
    menu.value = value;
    menu.addEventListener("change", () => chosen([name, menu.value]));
    return { name, menu, label: node("label", {}, node("span", { textContent: label }), menu) };
  });
  const set = (now) => all.forEach(({ name, menu }) => (menu.value = now[name][0]));
  return { row: row(...all.map((one) => one.label)), set };
}

// ---- the handle

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// A handle on the picture: dragged with a pointer, moved with arrow keys. Calls `moved` with where it is in CSS
// pixels of the whole stage, and whether it is still on its way.
function handle(view, { stage, place }, moved) {
  const button = attributes(node("button", { className: "ll-point", type: "button" }), {
    "aria-label": view.meta.words.handle,
  });
  let at = view.meta.point;
  let down = false;
  const scaled = () => place(view.meta.panels[0][0], stage.clientWidth);
  const put = ([x, y] = at) => {
    const [left, top, width, height] = view.meta.panels[0];
    const { scale, dx, dy } = scaled();
    at = [within(x, left, left + width), within(y, top, top + height)];
    Object.assign(button.style, { left: `${(at[0] + dx) * scale}px`, top: `${(at[1] + dy) * scale}px` });
  };
  const up = () => {
    if (!down) return;
    down = false;
    moved(at, false);
  };
  button.addEventListener("pointerdown", (e) => {
    down = true;
    button.setPointerCapture(e.pointerId);
  });
  button.addEventListener("pointermove", (e) => {
    if (!down) return;
    const box = stage.getBoundingClientRect();
    const { scale, dx, dy } = scaled();
    put([(e.clientX - box.left) / scale - dx, (e.clientY - box.top) / scale - dy]);
    moved(at, true);
  });
  button.addEventListener("pointerup", up);
  button.addEventListener("pointercancel", up);
  button.addEventListener("keydown", (e) => {
    if (!ARROWS[e.key]) return;
    e.preventDefault();
    const [x, y] = ARROWS[e.key];
    put([at[0] + 4 * x, at[1] + 4 * y]);
    moved(at, false);
  });
  return { button, put };
}

// ---- the drawing pad

// Ink on side × side cells. What is seen is what is sent: the browser's own strokes, their coverage as bytes.
function sheet(side, pen, changed) {
  const canvas = node("canvas", { width: side, height: side, tabIndex: 0 });
  const g = canvas.getContext("2d", { willReadFrequently: true });
  Object.assign(g, { lineCap: "round", lineJoin: "round", lineWidth: pen });
  const line = (from, to, erase) => {
    g.globalCompositeOperation = erase ? "destination-out" : "source-over";
    g.beginPath();
    g.moveTo(...from);
    g.lineTo(to[0] + 0.01, to[1]); // a dot if the pen has not moved
    g.stroke();
    changed();
  };
  const clear = () => {
    g.clearRect(0, 0, side, side);
    changed();
  };
  const bytes = () => {
    const { data } = g.getImageData(0, 0, side, side);
    return new DataView(Uint8Array.from({ length: side * side }, (_, k) => data[4 * k + 3]).buffer);
  };
  const set = (view) => spread(canvas, view);
  return { canvas, line, clear, bytes, set };
}

// Show bytes on a canvas with one pixel for each: a byte is how much ink is there.
function spread(canvas, view) {
  const g = canvas.getContext("2d");
  const image = g.createImageData(canvas.width, canvas.height);
  for (let k = 0; k < canvas.width * canvas.height; k++) image.data[4 * k + 3] = view.getUint8(k);
  g.putImageData(image, 0, 0);
}

// Draw with mouse, finger or pen.
function pointed(canvas, side, line, rubbing) {
  let last;
  const cell = (e) => {
    const box = canvas.getBoundingClientRect();
    return [((e.clientX - box.left) * side) / box.width, ((e.clientY - box.top) * side) / box.height];
  };
  const erase = (e) => rubbing() || e.buttons & 32; // 32: the rubber end of a pen
  const up = () => (last = undefined);
  canvas.addEventListener("pointerdown", (e) => {
    if (e.button !== 0 && e.button !== 5) return;
    canvas.setPointerCapture(e.pointerId);
    last = cell(e);
    line(last, last, erase(e));
  });
  canvas.addEventListener("pointermove", (e) => {
    if (!last) return;
    for (const one of e.getCoalescedEvents?.() ?? [e]) {
      const to = cell(one);
      line(last, to, erase(e));
      last = to;
    }
  });
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", up);
}

// Draw with the keyboard: a pen whose tip is visible, and whose state is announced.
function typed(canvas, side, line, rubbing, words) {
  const tip = node("span", { className: "ll-tip" });
  const status = attributes(node("span"), { role: "status" });
  let at = [side / 2, side / 2];
  let down = false;
  const move = ([x, y]) => {
    at = [within(x, 0, side), within(y, 0, side)];
    Object.assign(tip.style, { left: `${(100 * at[0]) / side}%`, top: `${(100 * at[1]) / side}%` });
    tip.classList.toggle("ll-down", down);
    const lowered = rubbing() ? words.eraser_down : words.pen_down;
    status.textContent = down ? lowered : words.pen_up;
  };
  canvas.addEventListener("keydown", (e) => {
    if (!ARROWS[e.key] && e.key !== " ") return;
    e.preventDefault();
    const from = at;
    const [x, y] = ARROWS[e.key] ?? [0, 0];
    if (e.key === " ") down = !down;
    move([at[0] + (x * side) / 28, at[1] + (y * side) / 28]);
    if (down) line(from, at, rubbing());
  });
  canvas.addEventListener("blur", () => {
    down = false;
    move(at);
  });
  move(at);
  return { tip, status };
}

function drawingPad([side, pen], words, changed) {
  const { canvas, line, clear, bytes, set } = sheet(side, pen, changed);
  attributes(canvas, { role: "application", "aria-label": words.pad });
  let erasing = false;
  const rubbing = () => erasing;
  pointed(canvas, side, line, rubbing);
  const { tip, status } = typed(canvas, side, line, rubbing, words);
  const eraser = push(words.eraser, () => {
    erasing = !erasing;
    eraser.setAttribute("aria-pressed", erasing);
  });
  eraser.setAttribute("aria-pressed", false);
  const paper = node("div", { className: "ll-pad" }, canvas, tip);
  return { paper, tools: row(eraser, push(words.clear, clear), status), bytes, set };
}

// A small picture, every pixel sharp.
function thumbnail(label) {
  const canvas = attributes(node("canvas"), { role: "img", "aria-label": label });
  const caption = node("figcaption", { textContent: label });
  const box = node("figure", { className: "ll-seen" }, node("div", {}, canvas), caption);
  const set = (view, [height, width]) => {
    box.hidden = !width;
    if (!width) return;
    Object.assign(canvas, { width, height });
    spread(canvas, view);
  };
  return { box, set };
}

// ---- words

const write = (where, text) => {
  if (where.textContent !== text) where.textContent = text;
};

// What is said about the picture: its beginning, and what Python says about each line shown. `pick` gives the text of
// a sentence that is said now.
function sentence({ meta: { keys, says, words }, said, shown }, pick) {
  if (!said.length) return ""; // nothing has come yet
  const beginning = pick(said[0]);
  if (!says.length) return beginning;
  const parts = says.flatMap((line, k) => (shown.has(keys[line]) ? [pick(said[k + 1])] : []));
  return filled(words.sentence, { beginning, parts: parts.join(words.separator) || words.nothing });
}

const longest = (texts) => texts.reduce((one, other) => (other.length > one.length ? other : one), "");

// The Python call that opens the explorer as it stands; __repr__ puts the same parts together.
function callOf({ meta, state, shown }) {
  const [call, settings] = meta.call;
  const all = { ...settings };
  meta.sliders.forEach(({ name, literals }, k) => (all[name] = literals[state.index[k]]));
  if (meta.steps.length) all.step = meta.steps[state.step];
  const literals = meta.literals.filter((_, k) => shown.has(meta.keys[k]));
  if (shown.size < meta.keys.length) all.shown = `[${literals.join(", ")}]`;
  const keywords = Object.entries(all).map(([name, value]) => `${name}=${value}`);
  return `${call}(${keywords.join(", ")})`;
}

// The sentence, or a problem that has come up. It is said three times: at once for the eye; for a screen reader and as
// the name of the picture, when nothing has moved for a while; and unseen, at its longest, so that its place is
// large enough and what is below never moves.
function teller(view, canvas, rested) {
  const seen = attributes(node("div", { className: "ll-say" }), { "aria-hidden": "true" });
  const room = attributes(node("div", { className: "ll-room" }), { "aria-hidden": "true" });
  const heard = attributes(node("div", { className: "ll-heard" }), { "aria-live": "polite" });
  let problem = "";
  let known;
  let timer;
  const now = () => {
    const { index, step } = view.lines?.() ?? view.state;
    return sentence(view, ({ say }) => say(index, step));
  };
  const reserve = () => {
    if (known === view.said) return;
    known = view.said;
    const all = { ...view, shown: new Set(view.meta.keys) };
    write(room, longest([room.textContent, sentence(all, ({ texts }) => longest(texts))]));
  };
  const show = () => {
    reserve();
    write(seen, problem || now());
  };
  const say = () => {
    clearTimeout(timer);
    show();
    write(heard, problem || now());
    canvas.setAttribute("aria-label", now());
    rested();
  };
  const soon = () => {
    show();
    clearTimeout(timer);
    timer = setTimeout(say, 300);
  };
  const told = (text) => {
    if (text === problem) return;
    problem = text;
    say();
  };
  const box = node("div", { className: "ll-words" }, seen, room, heard);
  return { box, heard, say, soon, told, close: () => clearTimeout(timer) };
}

// The line of Python that opens the explorer as it stands, and what copies it.
function copier(view) {
  const { words } = view.meta;
  const code = node("code");
  const set = () => write(code, callOf(view));
  const button = push(words.copy, async () => {
    set();
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = words.copied;
    } catch {
      getSelection().selectAllChildren(code); // no clipboard on this page: the line is selected instead
    }
    setTimeout(() => (button.textContent = words.copy), 1500);
  });
  return { button, code, set };
}
