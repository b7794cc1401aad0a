// The little that pages do by themselves. Everything else is asked of the device, by htmx.
"use strict";

// One stream of the device's events a page, and none while nobody looks at it: a browser has only
// six connections to a device, for all of its pages.
const KINDS = ["case", "change", "summary", "sync", "synced", "model", "update", "missed"];
let stream = null;

const LIVE = "edgecase-live"; // kept where the last photo was taken live: the next one is, too
const FIELDS = "#result [name^='form.']";
const words = document.getElementById("words").dataset; // what scripts say, in the page's language

// Asks as a page does, and so is answered in the page's language.
const AS_A_PAGE = { Accept: "text/html", "HX-Request": "true" };

async function refusal(answer) {
  const said = new DOMParser().parseFromString(await answer.text(), "text/html").querySelectorAll(".banner strong, .banner p");
  return Array.from(said, (each) => each.textContent.trim()).join(" ") || `${words.answered} ${answer.status}.`;
}

function hidden(name, value) {
  const field = document.createElement("input");
  return Object.assign(field, { type: "hidden", name, value });
}

function tell(kind) {
  document.body.dispatchEvent(new CustomEvent(`edge-${kind}`));
}

function listen() {
  if (document.hidden) {
    if (stream) stream.close();
    stream = null;
  } else if (!stream) {
    stream = new EventSource("/events");
    for (const kind of KINDS) stream.addEventListener(kind, () => tell(kind));
  }
}

if ("live" in document.body.dataset) {
  listen();
  document.addEventListener("visibilitychange", () => {
    listen();
    if (!document.hidden) tell("missed");
  });
}

// Only pages that are trusted (HTTPS, or the device itself) may stay on the phone.
if ("serviceWorker" in navigator) {
  navigator.serviceWorker.register("/static/sw.js", { scope: "/" }).catch(() => {});
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.requestConfig.verb !== "get") document.getElementById("trouble").replaceChildren();
});

document.addEventListener("alpine:init", () => {
  // The photo that was just taken: shown at once, long before the verdict is there.
  Alpine.data("camera", () => ({
    url: "",
    odd: false,
    mode: "idle",
    hint: "",
    sent: 0, // of the photo, percent
    typed: {}, // of the profile's form, over the photos of a case
    get empty() {
      return this.url === "" || this.odd || this.mode === "idle";
    },
    get doing() {
      return this.sent > 0 && this.sent < 100 ? `${words.sending} ${this.sent} %` : words.looking;
    },
    get strange() {
      return this.odd && this.mode === "done";
    },
    init() {
      this.another();
      const form = document.getElementById("shoot");
      form.addEventListener("htmx:beforeRequest", (event) => {
        if (event.target !== form) return;
        if (this.$refs.input.files.length === 0) {
          event.preventDefault(); // another profile was chosen, and there is no photo yet
          return;
        }
        this.mode = "looking";
        this.sent = 0;
        for (const field of document.querySelectorAll(FIELDS)) this.typed[field.name] = field.value;
        this.$refs.typed.replaceChildren(...Object.entries(this.typed).map(([name, value]) => hidden(name, value)));
        this.clear();
      });
      form.addEventListener("htmx:xhr:progress", ({ detail }) => {
        this.sent = detail.total > 0 ? 10 * Math.floor((10 * detail.loaded) / detail.total) : 0;
      });
      form.addEventListener("htmx:afterRequest", (event) => {
        if (event.target === form) this.mode = event.detail.xhr.status < 400 ? "done" : "idle";
      });
      // A verdict, or what became of it, is read from its top.
      document.getElementById("result").addEventListener("htmx:afterSwap", () => {
        window.scrollTo({ top: 0 });
        this.fill();
        const done = document.querySelector("#result .kept");
        if (done) this.finish(done);
        if (document.activeElement === document.body) document.getElementById("banner").focus({ preventScroll: true });
      });
      for (const name of ["htmx:sendError", "htmx:timeout"]) {
        document.body.addEventListener(name, ({ target }) => {
          if (target === form || target.classList.contains("keep")) this.offline();
        });
      }
    },
    another() { // profile: its first photo is a new case's
      const chosen = this.$refs.profile.selectedOptions[0];
      this.hint = chosen.dataset.hint || words.lookedAt;
      this.begin();
    },
    begin() { // another case
      this.$refs.earlier.replaceChildren();
      this.$refs.typed.replaceChildren();
      this.typed = {};
    },
    fill() { // in again what was typed beside an earlier photo
      for (const field of document.querySelectorAll(FIELDS)) {
        field.value = this.typed[field.name] || "";
        if (field.value) field.closest("details").open = true;
      }
    },
    finish(kept) {
      this.begin();
      if (!kept.dataset.photo) return;
      this.odd = false;
      this.url = kept.dataset.photo; // of several photos the one that the case is about
    },
    next() { // photo of the same case
      this.remember(0);
      this.open();
    },
    again() {
      this.remember(1);
      this.open();
    },
    remember(less) { // the photos that the case has, but for the last `less`
      const known = Array.from(document.querySelectorAll("#result [name=image_id]"), ({ value }) => hidden("earlier", value));
      if (known.length > 0) this.$refs.earlier.replaceChildren(...known.slice(0, known.length - less));
    },
    open() { // the camera, in the way that was used last
      const again = this.mode === "done" && !document.querySelector("#result [name=image_id], #result .kept");
      if (navigator.mediaDevices && localStorage.getItem(LIVE)) {
        this.$dispatch("go-live", { ghost: again ? this.url : "" });
      } else {
        this.$refs.input.click();
      }
    },
    reset() {
      this.$refs.input.value = ""; // so that the same photo can be chosen again
    },
    picked() {
      const file = this.$refs.input.files[0];
      if (!file) return;
      if (this.url) URL.revokeObjectURL(this.url);
      this.odd = false;
      this.url = URL.createObjectURL(file);
      window.scrollTo({ top: 0 });
    },
    unshowable() {
      if (this.url) this.odd = true;
    },
    clear() {
      for (const id of ["banner", "boxes", "result"]) document.getElementById(id).replaceChildren();
    },
    offline() { // the outbox has it
      this.mode = "idle";
      this.clear();
      this.begin();
      const box = document.createElement("div");
      box.className = "banner bad";
      box.textContent = words.offline;
      document.getElementById("trouble").replaceChildren(box);
    },
  }));

  // Boxes on and off.
  Alpine.data("boxes", () => ({
    on: true,
    get shade() {
      return this.on ? "overlay" : "overlay off";
    },
    get pressed() {
      return this.on ? "true" : "false";
    },
    flip() {
      this.on = !this.on;
    },
  }));

  // Why a photo is rejected: asked for only when it is.
  Alpine.data("reject", () => ({
    asked: false,
    ask() {
      this.asked = !this.asked;
      const bar = this.$el.closest(".bar");
      setTimeout(() => bar.scrollIntoView({ block: "end" })); // once it has grown
    },
  }));

  // Trades a token for a cookie that no script can read.
  Alpine.data("session", () => ({
    token: "",
    trouble: "",
    async send() {
      const answer = await fetch("/session", {
        method: "POST",
        headers: { ...AS_A_PAGE, "Content-Type": "application/json" },
        body: JSON.stringify({ token: this.token.trim() }),
      });
      if (answer.ok) {
        window.location.assign("/");
      } else {
        this.trouble = await refusal(answer);
      }
    },
  }));
});
