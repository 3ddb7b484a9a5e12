// Runs the page's script without a browser, on a clock of its own: node page_in_time.js PAGE.JS STEPS
// STEPS, in JSON: ["beat"] a heartbeat comes, ["wait", ms] time passes and the tab looks, ["held", ms] time passes and it
// does not. Written is, after each step, whether the page says that it is cut off.
const fs = require("fs");
const [script, steps] = process.argv.slice(2);

let now = 0;
const timers = [];
const listeners = [];
const classes = new Set();
const element = () => ({ setAttribute() {}, appendChild() {}, querySelector: element, remove() {} });
global.performance = { now: () => now };
global.setInterval = (call, every) => timers.push({ call, every, due: now + every });
global.setTimeout = () => {};
global.fetch = () => new Promise(() => {});
global.sessionStorage = { getItem: () => null };
global.MutationObserver = class {
  observe() {}
};
global.document = {
  documentElement: { style: { setProperty() {} } },
  querySelector: element,
  createElement: element,
  addEventListener() {},
  body: {
    ...element(),
    classList: { toggle: (name, on) => (on ? classes.add(name) : classes.delete(name)), contains: (name) => classes.has(name) },
  },
};
global.window = {
  trame: {
    state: { addListener: (listener) => listeners.push(listener), get: () => "", dirtyKeys: new Set() },
    client: { isConnected: () => true, onConnectionClose() {}, onConnectionError() {} },
    trigger: () => Promise.resolve(),
    utils: {},
  },
};
eval(fs.readFileSync(script, "utf-8"));

const fire = async () => {
  for (const timer of timers.filter(({ due }) => due <= now)) {
    timer.due = now + timer.every;
    timer.call();
    await Promise.resolve();
  }
};
const seen = async ([what, ms]) => {
  if (what === "beat") listeners.forEach((listener) => listener({ type: "dirty-state", keys: ["heartbeat"] }));
  if (what === "held") now += ms;
  for (const until = now + (what === "wait" ? ms : 0); ; now += 50) {
    await fire();
    if (now >= until) return classes.has("is-cut-off");
  }
};
(async () => {
  const found = [];
  for (const step of JSON.parse(steps)) found.push(await seen(step));
  console.log(JSON.stringify(found));
})();
