// Explorers: what both kinds have, then the two kinds. A grid explorer has every position of its sliders here already
// and asks the kernel for other settings only; a live one asks for every picture. The end is what anywidget calls.

// What is shown now. `lines` is a function once there is a picture, and gives what `draw` takes.
function opened(model) {
  const state = structuredClone(model.get("state"));
  const shown = new Set(state.shown);
  return { meta: model.get("meta"), stages: model.get("stages"), state, shown, lines: undefined, said: [] };
}

// What both kinds have: picture, legend, sentence, line to copy, and the state that all views of an explorer share.
// `moved` is called when the state has been set from elsewhere, `resized` when the size of the picture has changed,
// `offers` when other lines are shown, or others than before can be.
function explorer({ model, el }, { moved, resized = () => {}, offers = () => {} }) {
  const view = opened(model);
  const picture = screen(view, { themed, resized, painted: () => words.soon() });
  const line = copier(view);
  const words = teller(view, picture.canvas, line.set);
  const shared = share(model, view, setState);
  const lines = legend(view, () => {
    offers();
    words.say();
    picture.ask();
    shared.release();
  });

  function themed(name) {
    el.style.colorScheme = name;
    el.classList.toggle("ll-dark", name === "dark");
    lines.paint(view.meta.colours[name]);
  }
  function setState(given) {
    Object.assign(view.state, given);
    view.shown.clear();
    given.shown.forEach((key) => view.shown.add(key));
    lines.set();
    offers();
    moved();
    picture.ask();
  }
  const show = (lines, said) => {
    view.lines = lines;
    view.said = said;
    picture.ask();
  };
  const restage = (meta, stages) => {
    view.meta = meta;
    view.stages = stages;
    offers();
    picture.restage();
  };
  // From top to bottom: what is chosen; what is moved while one looks, and what is said of it; the picture.
  const open = ({ choices, reset, controls, box }) => {
    const head = node("div", { className: "ll-row ll-head" }, choices, row(line.button, reset));
    const desk = node("div", { className: "ll-controls" }, ...controls, lines.row, words.box);
    el.classList.add("ll");
    el.lang = view.meta.lang;
    el.append(head, desk, box, line.code);
    own(el);
    offers();
    shared.open();
    picture.open();
  };
  const close = () => {
    words.close();
    shared.close();
    picture.close();
  };
  return { view, picture, words, shared, setState, show, restage, open, close };
}

// The kernel, and the menus that ask it; `extra` goes along with every choice. Menus say what is shown, unless
// something else has been asked for: then what has been chosen.
function questions(model, { view, words }, { fill, gone, extra }) {
  const kernel = talk(model, view.meta.words, { fill, said, gone });
  const choices = menus(view.meta.choices, (choice) => kernel.ask({ choice, ...extra }));
  const settle = () => {
    if (kernel.idle()) choices.set(model.get("meta").choices);
  };
  function said(problem) {
    words.told(problem);
    settle();
  }
  return { kernel, choices, settle };
}

// ---- every position is here already

// A slider for the step, and Play, which walks through all that are stored, one every 40 ms. Readers who prefer less
// motion get ten pictures of a run, one a second. `view.state.step` is a position; `meta.steps` says which step it is.
function stepper(view, moved, released) {
  const { words } = view.meta;
  let known = view.meta.steps;
  let last = known.length - 1;
  const steps = slider(words.step, known, view.state.step);
  let playing = 0;
  const goto = (step) => {
    steps.set(step);
    view.state.step = step;
    moved();
  };
  const pause = () => {
    cancelAnimationFrame(playing);
    playing = 0;
    play.textContent = words.play;
  };
  const end = () => {
    pause();
    released();
  };
  const start = () => {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const [pace, jump] = calm ? [1000, Math.ceil(last / 10)] : [40, 1];
    const from = view.state.step < last ? view.state.step : 0;
    const began = performance.now();
    const tick = (now) => {
      const step = Math.min(from + jump * Math.floor(Math.max(now - began, 0) / pace), last);
      if (step !== view.state.step) goto(step);
      if (step === last) end();
      else playing = requestAnimationFrame(tick);
    };
    play.textContent = words.pause;
    goto(from);
    playing = requestAnimationFrame(tick);
  };
  const play = push(words.play, () => (playing ? end() : start()));
  steps.input.addEventListener("input", () => {
    pause();
    goto(+steps.input.value);
  });
  steps.input.addEventListener("change", released);
  steps.row.classList.add("ll-steps");
  const whole = last > 0 ? row(play, steps.row) : row();
  const rename = () => {
    known = view.meta.steps;
    last = known.length - 1;
    steps.rename(known);
    view.state.step = +steps.input.value;
  };
  const settle = () => {
    if (known !== view.meta.steps && last > 0) rename();
    offer(whole, view.meta.series.some((s) => s.scrub && view.shown.has(view.meta.keys[s.name])));
  };
  return { row: whole, settle, pause, close: pause, set: () => steps.set(view.state.step) };
}

// What comes from the kernel: the whole grid or, while the start point is dragged, the current position alone.
// Of pictures that come in quick succession, the newest is shown.
function arrivals(model, { view, show, restage }, loaded) {
  let turn = 0;

  // Stage and lines change together, when they are unpacked; if newer ones have come by then, those are shown.
  async function load() {
    const mine = ++turn;
    const meta = model.get("meta");
    const stages = model.get("stages");
    const { data, series, said } = await unpack(model.get("atlas"), meta);
    if (mine !== turn) return;
    show(() => ({ data, series, ...view.state }), said);
    if (meta !== view.meta) restage(meta, stages);
    loaded();
  }
  function previewed() {
    const preview = model.get("preview");
    if (!preview.data) return load();
    turn++; // what is being unpacked is older
    const described = view.meta.series;
    const shapes = described.map((s) => [1, 1, s.shape[2]]);
    const numbers = new Int16Array(copied(preview.data));
    const { data, series, said } = unpacked(numbers, preview.texts, described, shapes, preview.said);
    show(() => ({ data, series, ...view.state }), said);
  }
  const open = () => {
    model.on("change:meta", load);
    model.on("change:preview", previewed);
    return load();
  };
  const close = () => {
    turn++;
    model.off("change:meta", load);
    model.off("change:preview", previewed);
  };
  return { open, close };
}

async function grid({ model, el }) {
  const ui = explorer({ model, el }, { moved, resized, offers });
  const { view, picture, shared } = ui;
  const { meta } = view;
  const first = structuredClone(view.state);
  const { kernel, choices, settle } = questions(model, ui, { fill: shared.fill });
  const grip = meta.point && handle(view, picture, (point, moving) => kernel.ask({ point, preview: moving }));
  const sliders = knobs(view, picture.ask, shared.release);
  const steps = stepper(view, picture.ask, shared.release);
  const reset = push(meta.words.reset, () => {
    steps.pause();
    ui.setState(structuredClone(first));
    shared.release();
    if (choices.row.childElementCount || grip) kernel.ask({ fresh: true });
  });
  const news = arrivals(model, ui, () => {
    if (grip) grip.put(view.meta.point);
    settle();
    ui.words.say();
  });

  function offers() {
    sliders.settle();
    steps.settle();
  }
  function moved() {
    sliders.set();
    steps.set();
  }
  function resized() {
    if (grip) grip.put();
  }

  if (grip) picture.stage.append(grip.button);
  ui.open({ choices: choices.row, reset, controls: [sliders.row, steps.row], box: picture.box });
  await news.open();
  return () => {
    for (const part of [steps, kernel, ui, news]) part.close();
  };
}

// ---- the kernel computes

// Run and Stop, and how far a training has come. `pressed` is told whether it should run, `silent` is called when
// nothing has come from a run for ten seconds.
function runner(words, heard, { pressed, silent }) {
  const bar = attributes(node("progress"), { "aria-label": words.progress });
  const count = node("span", { className: "ll-value" });
  let running = false;
  let watch;
  const busy = (now) => {
    running = now;
    run.textContent = running ? words.stop : words.run;
    heard.setAttribute("aria-busy", running); // said when it has ended, not twenty times a second
  };
  const run = push(words.run, () => {
    busy(!running);
    pressed(running);
  });
  const lost = () => {
    busy(false);
    silent();
  };
  const progress = (done) => {
    bar.hidden = count.hidden = !done;
    if (!done) return;
    const [step, steps] = done;
    Object.assign(bar, { value: step, max: steps });
    count.textContent = filled(words.done, { step, steps });
  };
  const follow = (answer) => {
    clearTimeout(watch);
    if (answer.running) watch = setTimeout(lost, 10_000);
    progress(answer.done);
    if (answer.running !== running) busy(answer.running);
  };
  const close = () => clearTimeout(watch);
  return { parts: [run, bar, count], follow, stop: () => busy(false), running: () => running, close };
}

// However often it is called, `f` runs once a frame at most.
function throttled(f) {
  let frame = 0;
  const call = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      f();
    });
  };
  return { call, close: () => cancelAnimationFrame(frame) };
}

// The drawing pad beside the picture, and what the network sees of it.
function desk(model, { pad: [side, pen], words }, box, changed) {
  const first = model.get("ink");
  let fresh = false; // ink that the kernel does not have yet
  const pad = drawingPad([side, pen], words, () => {
    fresh = true;
    changed();
  });
  const seen = thumbnail(words.seen);
  const fill = () => {
    if (fresh) model.set("ink", pad.bytes());
    fresh = false;
  };
  const reset = () => {
    pad.set(first);
    fresh = true;
  };
  const told = () => {
    if (!fresh) pad.set(model.get("ink"));
  };
  const open = () => {
    model.on("change:ink", told);
    told();
  };
  const close = () => model.off("change:ink", told);
  const whole = node("div", { className: "ll-desk" }, node("div", {}, pad.paper, pad.tools, seen.box), box);
  return { whole, fill, reset, see: seen.set, open, close };
}

function live({ model, el }) {
  const ui = explorer({ model, el }, { moved: () => sliders.set() });
  const { view, picture, shared } = ui;
  const { words, trains, pad } = view.meta;
  const first = structuredClone(view.state);
  const changed = throttled(() => kernel.ask({}));
  const table = pad[0] ? desk(model, view.meta, picture.box, changed.call) : undefined;
  const pressed = (run) => kernel.ask({ run });
  const silent = () => ui.words.told(words.kernel_gone);
  const run = trains ? runner(words, ui.words.heard, { pressed, silent }) : undefined;
  const fill = () => {
    shared.fill();
    table?.fill();
  };
  const { kernel, choices, settle } = questions(model, ui, { fill, gone: () => run?.stop(), extra: { run: false } });
  const released = () => (run?.running() ? kernel.ask({ run: true }) : shared.release());
  const sliders = knobs(view, trains ? ui.words.say : changed.call, released);
  const reset = push(words.reset, () => {
    ui.setState(structuredClone(first));
    table?.reset();
    run?.stop();
    kernel.ask({ fresh: true, run: false });
  });

  function answered() {
    const answer = model.get("answer");
    if (answer.n < kernel.newest()) return; // of an earlier run
    const meta = model.get("meta");
    const data = new Int16Array(copied(answer.data));
    const series = layout(meta.series, answer.shapes);
    const said = answer.texts.map((text) => ({ say: () => text, texts: [text] }));
    ui.show(() => ({ data, series, index: answer.index, step: 0 }), said);
    if (meta !== view.meta) ui.restage(meta, model.get("stages"));
    settle();
    ui.words.told(answer.problem);
    table?.see(answer.image, answer.shape);
    run?.follow(answer);
    if (trains) ui.words.say();
  }

  const controls = [sliders.row, row(...(run?.parts ?? []))];
  ui.open({ choices: choices.row, reset, controls, box: table?.whole ?? picture.box });
  model.on("change:answer", answered);
  table?.open();
  answered();
  ui.words.say();
  return () => {
    for (const part of [changed, kernel, ui, table, run]) part?.close();
    model.off("change:answer", answered);
  };
}

const render = (view) => (view.model.get("meta").live ? live(view) : grid(view));
export default { render };
