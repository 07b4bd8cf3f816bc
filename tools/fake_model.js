// Plays the part of Jupyter on a page without it: the model of one explorer, as anywidget hands it over. `state` is
// its traits, `saved` is called with what the page has changed; `take` brings what the kernel changes.

const bytes = (s) => new DataView(Uint8Array.from(atob(s), (c) => c.charCodeAt(0)).buffer);
const base64 = (view) => btoa(Array.from(new Uint8Array(view.buffer), (c) => String.fromCharCode(c)).join(""));
const decode = (text) => JSON.parse(text, (_, v) => (v?.$bytes === undefined ? v : bytes(v.$bytes)));
const encode = (traits) => JSON.stringify(traits, (_, v) => (v instanceof DataView ? { $bytes: base64(v) } : v));

function fakeModel(state, saved) {
  const heard = {};
  let changed = {};
  return {
    get: (name) => state[name],
    set: (name, value) => {
      state[name] = changed[name] = value;
    },
    save_changes: () => {
      const now = changed;
      changed = {};
      saved(now);
    },
    on: (event, f) => (heard[event] ??= new Set()).add(f),
    off: (event, f) => heard[event]?.delete(f),
    take: (given) => {
      Object.assign(state, given);
      for (const name in given) heard[`change:${name}`]?.forEach((f) => f());
    },
  };
}
