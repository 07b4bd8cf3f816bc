// The kernel: what it is asked for, and what it is told. It is never asked twice at once, and a page without a kernel
// goes on as far as it can. `model` is anywidget's; widget.py and live.py say what its traits mean.

// One request is under way; of those that come meanwhile, the newest values are kept and sent next. Never a queue.
// `fill` puts what belongs to a request into the model, `said` is told of a problem or that there is none, `gone`
// that no answer has come.
function talk(model, words, { fill, said, gone = () => {} }) {
  let sent = 0;
  let free = true;
  let next;
  let timer;
  const lost = () => {
    free = true;
    said(words.kernel_gone);
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
    next = merged(next, what);
    if (!free) return;
    const now = next;
    next = undefined;
    send(now);
  };
  const landed = () => {
    const { n, problem } = model.get("answered");
    if (n < sent) return;
    clearTimeout(timer);
    free = true;
    said(problem && filled(words.failed, { problem }));
    if (next) ask({});
  };
  model.on("change:answered", landed);
  const close = () => {
    clearTimeout(timer);
    model.off("change:answered", landed);
  };
  return { ask, newest: () => sent, idle: () => free && !next, close };
}

// Two requests in one. A Reset cancels what was asked before it; choices in several menus add up.
function merged(before, what) {
  if (what.choice) return { fresh: before?.fresh, ...what, choice: [...(before?.choice ?? []), ...what.choice] };
  return what.fresh ? what : { ...before, ...what };
}

// The kernel hears of a control when it is released, never while it moves; and so do other views of this explorer.
function share(model, view, adopt) {
  const now = () => {
    const { meta, state, shown } = view;
    return { ...state, index: [...state.index], shown: meta.keys.filter((key) => shown.has(key)) };
  };
  const fill = () => model.set("state", now());
  const release = () => {
    fill();
    try {
      model.save_changes();
    } catch {} // the kernel is gone; nothing here needs it
  };
  const told = () => {
    const given = model.get("state");
    if (JSON.stringify(given) !== JSON.stringify(now())) adopt(structuredClone(given));
  };
  const open = () => model.on("change:state", told);
  const close = () => model.off("change:state", told);
  return { fill, release, open, close };
}
