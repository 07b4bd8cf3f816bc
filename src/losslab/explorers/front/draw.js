// Pictures: what Python packed is unpacked, laid out on a wide or a narrow page, and stroked line by line. There is no
// maths here: every number was computed in Python and packed there (stage.py). The four parts (draw, controls,
// kernel, explorer) are read as one module, in this order; `meta` is what Python tells of an explorer (widget.py).

const node = (tag, props = {}, ...children) => {
  const el = Object.assign(document.createElement(tag), props);
  el.append(...children);
  return el;
};
const attributes = (el, given) => {
  for (const name in given) el.setAttribute(name, given[name]);
  return el;
};

// A template of `meta.words` with its {names} filled in.
const filled = (template, values) => template.replace(/\{(\w+)\}/g, (_, name) => values[name]);

// ---- what Python packed

const inflate = async (view) =>
  new Response(new Blob([view]).stream().pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
const copied = (view) => view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);

// How many numbers there are in all.
const volume = (shapes) => shapes.reduce((sum, [a, b, n]) => sum + a * b * n, 0);

// Lay the series out one after the other: where each begins and how far apart its slider positions are. They are
// drawn in the order that is returned.
function layout(series, shapes) {
  let start = 0;
  const laid = series.map((one, k) => {
    const [a, b, size] = shapes[k];
    const at = { ...one, start, size, stride: [a > 1 ? b * size : 0, b > 1 ? size : 0] };
    start += a * b * size;
    return at;
  });
  return laid.sort((one, other) => one.rank - other.rank);
}

// All low bytes, then all high ones: numbers.
function joined(raw, count) {
  const bytes = new Uint8Array(raw);
  const numbers = new Int16Array(count);
  for (let k = 0; k < count; k++) numbers[k] = bytes[k] | (bytes[count + k] << 8);
  return numbers;
}

// For each sentence: which of its texts it is at a position of the sliders and a step.
function spoken(numbers, shapes, texts) {
  const which = new Uint16Array(numbers);
  let start = 0;
  let first = 0;
  return shapes.map(([a, b, steps, count]) => {
    const begin = start;
    const mine = texts.slice(first, (first += count));
    start += a * b * steps;
    for (let k = begin + 1; k < start; k++) which[k] += which[k - 1];
    const stride = [a > 1 ? b * steps : 0, b > 1 ? steps : 0, steps > 1 ? 1 : 0];
    const say = ([i, j = 0], step) => mine[which[begin + i * stride[0] + j * stride[1] + step * stride[2]]];
    return { say, texts: mine };
  });
}

// What Python packed for a grid: every series at every position of the sliders, and every sentence.
function unpacked(numbers, texts, described, shapes, said) {
  const lines = volume(shapes);
  const all = spoken(numbers.subarray(lines), said, texts.split("\n"));
  return { data: numbers.subarray(0, lines), series: layout(described, shapes), said: all };
}
async function unpack(atlas, { series, said }) {
  const raw = await inflate(atlas);
  const shapes = series.map((s) => s.shape);
  const count = volume(shapes) + volume(said);
  const texts = new TextDecoder().decode(new Uint8Array(raw, 2 * count));
  return unpacked(joined(raw, count), texts, series, shapes, said);
}

// ---- lines

function corners(g, ...points) {
  points.forEach(([x, y], k) => (k ? g.lineTo(x, y) : g.moveTo(x, y)));
  g.closePath();
}

const MARKERS = {
  o: (g, x, y, r) => g.arc(x, y, r, 0, 7),
  s: (g, x, y, r) => g.rect(x - r, y - r, 2 * r, 2 * r),
  "^": (g, x, y, r) => corners(g, [x, y - r], [x + r, y + r], [x - r, y + r]),
  D: (g, x, y, r) => corners(g, [x, y - r], [x + r, y], [x, y + r], [x - r, y]),
  x: (g, x, y, r) => {
    g.moveTo(x - r, y - r);
    g.lineTo(x + r, y + r);
    g.moveTo(x + r, y - r);
    g.lineTo(x - r, y + r);
  },
  "": () => {},
};

function mark(g, marker, x, y, r) {
  g.beginPath();
  MARKERS[marker](g, x, y, r);
  if (marker === "x") g.stroke();
  else g.fill();
}

// An area of kind 1 is filled and outlined, one of kind 2 has its outline only, one of kind 3 none.
function shade(g, kind) {
  if (kind !== 3) g.stroke();
  if (kind === 2) return;
  g.globalAlpha = kind === 3 ? 1 : 0.35;
  g.fill();
  g.globalAlpha = 1;
}

// One series: a polyline with a marker every tenth point and a large one where the run stands, or an area.
// Returns the step at which the run has diverged, if it has by now.
function stroke(g, { data, at, size, marker, fill, dash, width, phase, radius }, upto, unit) {
  const n = (size - 2) / 2;
  const [drawn, end] = [data[at], data[at + 1]];
  const stop = Math.min(drawn, upto + 1);
  const dots = [];
  let x = 0;
  let y = 0;
  g.lineWidth = width * unit;
  g.setLineDash(dash.map((part) => part * g.lineWidth));
  g.beginPath();
  for (let k = 0; k < stop; k++) {
    x += data[at + 2 + k];
    y += data[at + 2 + n + k];
    if (k) g.lineTo(x, y);
    else g.moveTo(x, y);
    if (marker && k % 10 === phase) dots.push([x, y]);
  }
  if (fill) return shade(g, fill);
  g.stroke();
  g.setLineDash([]);
  for (const dot of dots) mark(g, marker, ...dot, 3 * unit);
  if (stop) mark(g, marker, x, y, radius * unit);
  return drawn < n && drawn <= upto ? end : undefined;
}

// From here on, everything is drawn in a panel, wherever that stands on the page.
function enter(g, panel, { scale, dx, dy }, unit) {
  g.setTransform(scale / unit, 0, 0, scale / unit, dx * scale, dy * scale);
  g.beginPath();
  g.rect(...panel.map((v) => v * unit));
  g.clip();
}

// What is to be drawn: its lines (`series`, laid out, in `data`) at a slider position, those of the keys in `shown`.
function draw(g, meta, { data, series, index, step }, shown, colours, place) {
  const unit = meta.size[2];
  let told = 0;
  g.setTransform(1, 0, 0, 1, 0, 0);
  g.clearRect(0, 0, g.canvas.width, g.canvas.height);
  g.lineJoin = "bevel";
  g.font = `${13 * unit}px sans-serif`;
  for (const one of series) {
    const { name, panel, scrub, start, stride } = one;
    if (!shown.has(meta.keys[name])) continue;
    const [left, top, width, height] = meta.panels[panel];
    g.save();
    enter(g, [left, top, width, height], place(left), unit);
    g.strokeStyle = g.fillStyle = colours[name];
    const at = start + (index[0] ?? 0) * stride[0] + (index[1] ?? 0) * stride[1];
    const line = { ...one, data, at, marker: meta.markers[name] };
    const end = stroke(g, line, scrub ? step : 1e9, unit);
    if (end !== undefined && panel === 0) {
      const y = top + height - 10 - 18 * told++;
      mark(g, "x", (left + 14) * unit, (y - 4) * unit, 4 * unit);
      const words = filled(meta.words.diverged, { name: meta.names[name], step: end });
      g.fillText(words, (left + 24) * unit, y * unit);
    }
    g.restore();
  }
}

// ---- the page

// Tells whether the page is light or dark, and calls `changed` when that changes.
function themes(changed) {
  const media = matchMedia("(prefers-color-scheme: dark)");
  const jupyter = new MutationObserver(changed);
  const now = () => {
    const light = document.body.dataset.jpThemeLight;
    return (light ? light === "false" : media.matches) ? "dark" : "light";
  };
  const watch = () => {
    jupyter.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
    media.addEventListener("change", changed);
  };
  const close = () => {
    jupyter.disconnect();
    media.removeEventListener("change", changed);
  };
  return { now, watch, close };
}

const LEGIBLE = 560; // CSS pixels: on a whole stage of less than that, words are too small to read

// How a stage stands on a page of this many CSS pixels: whole, or on a narrow one with its pieces stacked,
// each as wide as the page; a single one scrolls.
function arrange({ pieces, size: [whole, height] }, page) {
  const small = page > 0 && page < LEGIBLE;
  const narrow = small && pieces.length > 1;
  const rows = narrow ? pieces.length : 1;
  const width = narrow ? Math.max(...pieces.map(([, w]) => w)) : whole;
  return { narrow, rows, width, height: rows * height, scrolls: small && !narrow && whole > LEGIBLE };
}

// The scale of a stage of this width, and how far the piece with this x has moved, in pixels of the whole stage.
function whereabouts({ pieces, size: [, height] }, { narrow, width }, x, wide) {
  const scale = wide / width;
  if (!narrow) return { scale, dx: 0, dy: 0 };
  const k = Math.max(pieces.findLastIndex(([left]) => left <= x), 0);
  return { scale, dx: -pieces[k][0], dy: k * height };
}

// Put an image of the whole stage where its piece k is seen, and cut the rest off.
function cut(image, { pieces, size: [whole] }, { narrow, rows, width }, k) {
  const [x, w] = pieces[k];
  const part = (v) => `${(100 * v) / width}%`;
  const row = narrow ? k : 0;
  const frame = { left: narrow ? 0 : part(x), width: part(w), top: `${(100 * row) / rows}%`, height: `${100 / rows}%` };
  Object.assign(image.parentElement.style, frame);
  Object.assign(image.style, { width: `${(100 * whole) / w}%`, left: `${(-100 * x) / w}%` });
}

// The images of the pieces of a stage, which stand before the canvas. `dress` shows what Python drew for a theme.
function backdrop(canvas) {
  const images = [];
  let drawn; // the stages that are shown
  let url;

  // Another stage may be cut elsewhere, and into more pieces or fewer.
  const count = (pieces) => {
    while (images.length > pieces) images.pop().parentElement.remove();
    while (images.length < pieces) {
      images.push(node("img", { alt: "" }));
      canvas.before(node("div", { className: "ll-piece" }, images.at(-1)));
    }
  };
  const shows = ({ meta, stages }) => drawn === stages && images.length === meta.pieces.length;
  const arranged = (meta, standing) => images.forEach((image, k) => cut(image, meta, standing, k));
  const dress = (stages, theme) => {
    const before = url;
    drawn = stages;
    url = URL.createObjectURL(new Blob([stages[theme]], { type: "image/png" }));
    images.forEach((image) => (image.src = url));
    URL.revokeObjectURL(before);
  };
  return { count, shows, arranged, dress, close: () => URL.revokeObjectURL(url) };
}

// Give the stage its shape and the canvas as many pixels as it covers on the screen.
function shape({ box, stage, canvas }, { width, height, scrolls }) {
  stage.style.minWidth = scrolls ? `${LEGIBLE}px` : "";
  if (scrolls) box.setAttribute("tabindex", 0);
  else box.removeAttribute("tabindex");
  stage.style.aspectRatio = `${width} / ${height}`;
  canvas.width = Math.round((stage.clientWidth || width) * devicePixelRatio);
  canvas.height = Math.round((canvas.width * height) / width);
}

function boards(label) {
  const canvas = attributes(node("canvas"), { role: "img" });
  const stage = node("div", { className: "ll-stage" }, canvas);
  const box = node("div", { className: "ll-scroll" }, stage);
  attributes(box, { role: "group", "aria-label": label });
  return { box, stage, canvas };
}

// The stage as Python drew it, and on it a canvas for the lines that move. `view` is what is shown now: meta, stages,
// the keys of the lines `shown`, and lines(), what `draw` takes. Calls `themed` with the name of the theme, `resized`
// after the stage has found its size, `painted` after every picture.
function screen(view, { themed, resized, painted }) {
  const { box, stage, canvas } = boards(view.meta.words.picture);
  const g = canvas.getContext("2d");
  const images = backdrop(canvas);
  const theme = themes(dress);
  const watch = new ResizeObserver(fit);
  let standing;
  let frame = 0;

  const place = (x, wide = canvas.width) => whereabouts(view.meta, standing, x, wide);
  const ask = () => (frame ||= requestAnimationFrame(paint));

  function paint() {
    frame = 0;
    if (!view.lines) return;
    draw(g, view.meta, view.lines(), view.shown, view.meta.colours[theme.now()], place);
    painted();
  }
  function fit() {
    standing = arrange(view.meta, box.clientWidth);
    shape({ box, stage, canvas }, standing);
    images.arranged(view.meta, standing);
    resized();
    paint(); // at once: a canvas that changes its size is empty
  }
  function dress() {
    images.dress(view.stages, theme.now());
    themed(theme.now());
    ask();
  }
  function restage() {
    const known = images.shows(view);
    images.count(view.meta.pieces.length);
    fit();
    if (!known) dress();
  }

  const open = () => {
    theme.watch();
    restage();
    watch.observe(box);
  };
  const close = () => {
    cancelAnimationFrame(frame);
    theme.close();
    watch.disconnect();
    images.close();
  };
  return { box, stage, canvas, place, ask, restage, open, close };
}
