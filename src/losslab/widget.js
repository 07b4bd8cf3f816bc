// Looks a slider position up and strokes its lines. Every number drawn here was computed in Python (explorers.py) and packed there (grid.py).

const node = (tag, props = {}, ...children) => {
  const el = Object.assign(document.createElement(tag), props);
  el.append(...children);
  return el;
};

const inflate = async (view) =>
  new Response(new Blob([view]).stream().pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();

// Lay the series of the atlas out one after the other: where each begins and how far apart its slider positions are.
function layout(series) {
  let start = 0;
  return series.map(({ name, panel, scrub, fill, shape: [a, b, size] }) => {
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
  if (fill) {
    g.globalAlpha = 0.35;
    g.fill();
    g.globalAlpha = 1;
    return;
  }
  for (let d = 0; d < dots.length; d += 2) mark(g, marker, dots[d], dots[d + 1], 3 * unit);
  if (stop) mark(g, marker, x, y, 5 * unit);
  return drawn < n && drawn <= upto ? drawn : undefined;
}

function draw(g, scene, data, index, step, shown, ink) {
  const { meta, series } = scene, [width, height, unit] = meta.size, scale = g.canvas.width / width / unit;
  g.setTransform(scale, 0, 0, scale, 0, 0);
  g.clearRect(0, 0, width * unit, height * unit);
  g.lineWidth = 1.8 * unit;
  g.lineJoin = "bevel";
  g.font = `${13 * unit}px sans-serif`;
  let line = 0;
  for (const s of series) {
    if (!shown.has(meta.names[s.name])) continue;
    g.save();
    g.beginPath();
    g.rect(...meta.panels[s.panel].map((v) => v * unit));
    g.clip();
    g.strokeStyle = g.fillStyle = ink[s.name];
    const at = s.start + index[0] * s.stride[0] + index[1] * s.stride[1];
    const end = stroke(g, data, at, s.size, meta.markers[s.name], s.scrub ? step : 1e9, unit, s.fill);
    if (end !== undefined && s.panel === 0) {
      const [left, top, , h] = meta.panels[0], y = top + h - 10 - 18 * line++;
      mark(g, "x", (left + 14) * unit, (y - 4) * unit, 4 * unit);
      g.fillText(meta.diverged.replace("{name}", meta.names[s.name]).replace("{step}", end), (left + 24) * unit, y * unit);
    }
    g.restore();
  }
}

function slider(label, values, value) {
  const input = node("input", { type: "range", min: 0, max: values.length - 1, step: 1, value });
  const output = node("output");
  input.dataset.lmSuppressShortcuts = "true"; // JupyterLab would take the arrow keys
  input.addEventListener("keydown", (e) => e.stopPropagation());
  const say = () => {
    output.textContent = values[input.value];
    input.setAttribute("aria-valuetext", values[input.value]);
  };
  input.addEventListener("input", say);
  const set = (v) => ((input.value = v), say());
  set(value);
  return { input, set, row: node("label", { className: "ll-slider" }, node("span", { textContent: label }), input, output) };
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
      g.beginPath();
      g.moveTo(0, 14);
      g.lineTo(28, 14);
      g.stroke();
      mark(g, meta.markers[i], 14, 14, 8);
    });
    return { box, name, row: node("label", {}, box, swatch, node("span", { textContent: name })) };
  });
  const set = (names) => boxes.forEach(({ box, name }) => (box.checked = names.includes(name)));
  return { row: node("div", { className: "ll-row" }, ...boxes.map((b) => b.row)), set, paint: (ink) => paint.forEach((p) => p(ink)) };
}

// A handle on the picture: dragged with a pointer, moved with arrow keys; tells where it is in CSS pixels.
function handle(meta, stage, moved) {
  const [width, height] = meta.size, [left, top, w, h] = meta.panels[0];
  const button = node("button", { className: "ll-point", type: "button" });
  button.setAttribute("aria-label", "start point: drag, or move with the arrow keys");
  let at, down = false;
  const place = ([x, y]) => {
    at = [Math.min(Math.max(x, left), left + w), Math.min(Math.max(y, top), top + h)];
    Object.assign(button.style, { left: `${(100 * at[0]) / width}%`, top: `${(100 * at[1]) / height}%` });
  };
  const follow = (e) => {
    const box = stage.getBoundingClientRect();
    place([((e.clientX - box.left) * width) / box.width, ((e.clientY - box.top) * height) / box.height]);
  };
  button.addEventListener("pointerdown", (e) => ((down = true), button.setPointerCapture(e.pointerId)));
  button.addEventListener("pointermove", (e) => down && (follow(e), moved(at, true)));
  const up = () => down && ((down = false), moved(at, false));
  button.addEventListener("pointerup", up);
  button.addEventListener("pointercancel", up);
  const arrows = { ArrowLeft: [-4, 0], ArrowRight: [4, 0], ArrowUp: [0, -4], ArrowDown: [0, 4] };
  button.addEventListener("keydown", (e) => {
    if (!arrows[e.key]) return;
    e.preventDefault();
    e.stopPropagation();
    place([at[0] + arrows[e.key][0], at[1] + arrows[e.key][1]]);
    moved(at, false);
  });
  return { button, place };
}

async function render({ model, el }) {
  const state = structuredClone(model.get("state")), first = structuredClone(state);
  const firstAsk = model.get("meta").choices;
  let scene, data, texts, preview, frame = 0, sayTimer, playing = 0, waiting = 0;
  const shown = new Set(state.shown), urls = [];

  const image = node("img", { alt: "" }), canvas = node("canvas"), status = node("div", { className: "ll-say" });
  const stage = node("div", { className: "ll-stage" }, image, canvas), code = node("code");
  canvas.setAttribute("role", "img");
  status.setAttribute("aria-live", "polite");
  const g = canvas.getContext("2d");

  const dark = () => {
    const jupyter = document.body.dataset.jpThemeLight;
    return jupyter ? jupyter === "false" : matchMedia("(prefers-color-scheme: dark)").matches;
  };
  const meta = () => model.get("meta");
  const position = () => state.index[0] * (meta().sliders[1]?.values.length ?? 1) + state.index[1];

  function paint() {
    frame = 0;
    if (!data) return;
    const ink = meta().ink[dark() ? "dark" : "light"];
    const alone = preview && layout(meta().series.map((s) => ({ ...s, shape: [1, 1, s.shape[2]] })));
    draw(g, alone ? { meta: meta(), series: alone } : scene, preview ?? data, state.index, state.step, shown, ink);
    clearTimeout(sayTimer);
    sayTimer = setTimeout(say, 300);
    el.dispatchEvent(new CustomEvent("losslab:painted", { bubbles: true, detail: { index: [...state.index], step: state.step } }));
  }
  const ask = () => (frame ||= requestAnimationFrame(paint));

  function say() {
    if (!waiting) status.textContent = texts[position()];
    canvas.setAttribute("aria-label", texts[position()]);
    const [call, settings] = meta().call, knobs = {};
    meta().sliders.forEach((s, k) => (knobs[s.name] = s.values[state.index[k]]));
    const words = meta().steps ? { ...settings, ...knobs, step: state.step } : { ...settings, ...knobs };
    if (shown.size < meta().names.length) words.shown = `[${[...shown].map((n) => `"${n}"`).join(", ")}]`;
    code.textContent = `${call}(${Object.entries(words).map(([k, v]) => `${k}=${v}`).join(", ")})`;
  }

  // The kernel hears of a control when it is let go, never while it moves.
  function release() {
    model.set("state", { ...state, index: [...state.index], shown: [...shown] });
    model.save_changes();
  }
  function request(what) {
    model.set("ask", { ...what, n: Date.now() + Math.random() });
    model.save_changes();
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      status.textContent = "The kernel does not answer. It may be busy, or gone: run this cell again.";
    }, 4000);
  }

  function theme() {
    const name = dark() ? "dark" : "light";
    const url = URL.createObjectURL(new Blob([model.get("stages")[name]], { type: "image/png" }));
    urls.push(url);
    image.src = url;
    panel?.paint(meta().ink[name]);
    ask();
  }
  async function load() {
    const raw = await inflate(model.get("atlas")), series = layout(meta().series);
    const last = series.at(-1), [a, b, size] = meta().series.at(-1).shape, end = 2 * (last.start + a * b * size);
    [data, texts] = [new Int16Array(raw, 0, end / 2), new TextDecoder().decode(raw.slice(end)).split("\n")];
    scene = { meta: meta(), series };
    preview = undefined;
    waiting = clearTimeout(waiting);
    if (meta().point) grip.place(meta().point);
    for (const [name, [value]] of Object.entries(meta().choices)) menus[name].value = value;
    urls.splice(0).forEach(URL.revokeObjectURL);
    theme();
    say();
  }
  const previewed = () => {
    const view = model.get("preview");
    preview = view.byteLength ? new Int16Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength)) : undefined;
    waiting = clearTimeout(waiting);
    ask();
  };

  const size = () => {
    const [width, height] = meta().size, shownWidth = stage.clientWidth || width;
    canvas.width = Math.round(shownWidth * devicePixelRatio);
    canvas.height = Math.round((canvas.width * height) / width);
    ask();
  };
  stage.style.aspectRatio = meta().size.slice(0, 2).join("/");

  // Controls, from top to bottom.
  const grip = handle(meta(), stage, (point, moving) => request({ point, preview: moving }));
  if (meta().point) stage.append(grip.button);
  const menus = {};
  const choices = Object.entries(meta().choices).map(([name, [value, options]]) => {
    menus[name] = node("select", {}, ...options.map((o) => node("option", { value: o, textContent: o })));
    menus[name].value = value;
    menus[name].addEventListener("keydown", (e) => e.stopPropagation());
    menus[name].addEventListener("change", () => request({ choice: [name, menus[name].value] }));
    return node("label", {}, node("span", { textContent: name }), menus[name]);
  });
  const sliders = meta().sliders.map(({ label, values }, k) => {
    const s = slider(label, values, state.index[k]);
    s.input.addEventListener("input", () => ((state.index[k] = +s.input.value), ask()));
    s.input.addEventListener("change", release);
    return s;
  });
  const steps = slider("step", Array.from({ length: meta().steps + 1 }, (_, k) => String(k)), state.step);
  const goto = (step) => (steps.set(step), (state.step = step), ask());
  steps.input.addEventListener("input", () => (pause(), goto(+steps.input.value)));
  steps.input.addEventListener("change", release);
  const play = node("button", { type: "button", textContent: "Play" });
  const pause = () => ((playing = cancelAnimationFrame(playing)), (play.textContent = "Play"));
  play.addEventListener("click", () => {
    if (playing) return pause(), release();
    const from = state.step < meta().steps ? state.step : 0, begin = performance.now();
    play.textContent = "Pause";
    const tick = (now) => {
      const step = Math.min(from + Math.floor((now - begin) / 40), meta().steps);
      goto(step);
      if (step === meta().steps) return pause(), release();
      playing = requestAnimationFrame(tick);
    };
    playing = requestAnimationFrame(tick);
  });
  const panel = legend(meta(), shown, () => (ask(), release()));
  const reset = node("button", { type: "button", textContent: "Reset" });
  reset.addEventListener("click", () => {
    pause();
    Object.assign(state, structuredClone(first));
    sliders.forEach((s, k) => s.set(state.index[k]));
    shown.clear();
    first.shown.forEach((name) => shown.add(name));
    panel.set(first.shown);
    goto(first.step);
    release();
    for (const [name, [value]] of Object.entries(firstAsk)) request({ choice: [name, value] });
  });
  const copy = node("button", { type: "button", textContent: "Copy" });
  copy.addEventListener("click", async () => {
    say();
    try {
      await navigator.clipboard.writeText(code.textContent);
      copy.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code); // no clipboard on this page: the line is selected instead
    }
    setTimeout(() => (copy.textContent = "Copy"), 1500);
  });

  el.classList.add("ll");
  el.append(
    node("div", { className: "ll-row" }, ...choices, ...sliders.map((s) => s.row)),
    stage,
    node("div", { className: "ll-row" }, ...(meta().steps ? [play, steps.row] : []), reset),
    panel.row,
    status,
    node("div", { className: "ll-row" }, copy, code),
  );

  const media = matchMedia("(prefers-color-scheme: dark)"), seen = new MutationObserver(theme), fit = new ResizeObserver(size);
  seen.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  media.addEventListener("change", theme);
  fit.observe(stage);
  model.on("change:atlas", load);
  model.on("change:preview", previewed);
  size();
  await load();
  return () => {
    pause();
    clearTimeout(sayTimer);
    clearTimeout(waiting);
    seen.disconnect();
    fit.disconnect();
    media.removeEventListener("change", theme);
    model.off("change:atlas", load);
    model.off("change:preview", previewed);
    urls.forEach(URL.revokeObjectURL);
  };
}

export default { render };
