// Photos that could not be sent: kept in this browser until the device has them, over reloads and
// lost Wi-Fi. Each goes under an idempotency key, so that one whose answer was lost arrives once.
"use strict";

const WAIT_S = [2, 5, 15, 60]; // before each further try
const UNPAIRED = 401;
const GONE = 404; // a checked photo waits for an hour
const LATER = [UNPAIRED, 408, 429];
const ABANDONED_MS = 120_000; // twice as long as a page waits for a verdict

const store = {
  // IndexedDB, one promise a request.
  open() {
    return new Promise((resolve, reject) => {
      const request = indexedDB.open("edgecase", 1);
      request.onupgradeneeded = () => request.result.createObjectStore("outbox", { keyPath: "id" });
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  },
  async do(mode, work) {
    const db = await this.open();
    try {
      return await new Promise((resolve, reject) => {
        const change = db.transaction("outbox", mode, { durability: "strict" });
        const request = work(change.objectStore("outbox"));
        change.oncomplete = () => resolve(request.result);
        change.onerror = () => reject(change.error);
        change.onabort = () => reject(change.error);
      });
    } finally {
      db.close();
    }
  },
  async all() {
    const letters = await this.do("readonly", (table) => table.getAll());
    return letters.map((letter) => ({ photos: [], ...letter })); // those of before have theirs among the fields
  },
  put(letter) {
    return this.do("readwrite", (table) => table.put(letter));
  },
  drop(id) {
    return this.do("readwrite", (table) => table.delete(id));
  },
};

function randomKey() { // crypto.randomUUID is for pages that are trusted; this is for all
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}

function thisTab() { // the same after a reload
  const known = sessionStorage.getItem("edgecase-tab") || randomKey();
  sessionStorage.setItem("edgecase-tab", known);
  return known;
}

const outbox = {
  timer: 0,
  busy: false,
  shots: new Map(), // what was checked → the photo itself, of the case that is being made
  looking: null, // the photo that is on its way to its verdict, and the writing down of it

  // Write down what a form has to send. A photo that nobody has judged becomes a case by itself.
  // While a tab waits for the answer it is `held` by it.
  async keep(form, held = "") {
    const judged = form.classList.contains("keep");
    const fields = Array.from(new FormData(form)).filter(([, value]) => !(value instanceof File && value.size === 0));
    const ids = fields.filter(([name]) => name === "image_id" || name === "earlier").map(([, id]) => id);
    const earlier = ids.map((id) => this.shots.get(id));
    const own = judged ? [] : fields.filter(([name]) => name === "image").map(([, photo]) => photo);
    const letter = {
      id: randomKey(),
      fields: fields.filter(([name]) => judged || name === "profile" || name.startsWith("form.")),
      photos: [...earlier, ...own].filter(Boolean),
      whole: !judged, // the photos go along
      held,
      at: Date.now(),
      tries: 0,
      refused: "",
      unpaired: false,
    };
    await store.put(letter);
    this.changed();
    if (!held) this.soon(0);
    return letter;
  },

  // The photo is safe before it goes: a page may end at any moment, above all while a camera app is open.
  hold(form) {
    this.looking = this.keep(form, thisTab());
  },

  async settle(done) { // the device has answered, or another photo was taken instead
    const looking = this.looking;
    this.looking = null;
    if (!looking) return;
    const letter = await looking;
    if (done) await store.drop(letter.id);
    else await store.put({ ...letter, held: "" });
    this.changed();
    if (!done) this.soon(0);
  },

  async release() { // what this tab had in hand when it was reloaded, and what nobody has come back for
    for (const letter of await store.all()) {
      if (!letter.held || (letter.held !== thisTab() && Date.now() - letter.at < ABANDONED_MS)) continue;
      await store.put({ ...letter, held: "" });
    }
  },

  async send() {
    if (this.busy) return;
    this.busy = true;
    try {
      for (const letter of await store.all()) {
        if (!letter.refused && !letter.held && !(await this.sendOne(letter))) break;
      }
    } finally {
      this.busy = false;
    }
    this.changed();
  },

  // False where it has to be tried again later.
  async sendOne(letter) {
    const body = new FormData();
    for (const [name, value] of letter.fields) body.append(name, value);
    if (letter.whole) for (const photo of letter.photos) body.append("image", photo);
    let answer;
    try {
      answer = await fetch("/page/keep", {
        method: "POST",
        headers: { ...AS_A_PAGE, "Idempotency-Key": letter.id },
        body,
      });
    } catch {
      answer = null;
    }
    if (answer && answer.ok) {
      await store.drop(letter.id);
      document.body.dispatchEvent(new CustomEvent("edge-case"));
      return true;
    }
    if (answer && answer.status === GONE && !letter.whole && letter.photos.length > 0) {
      return this.sendOne({ ...letter, whole: true });
    }
    const final = answer && answer.status >= 400 && answer.status < 500 && !LATER.includes(answer.status);
    letter.tries += 1;
    letter.refused = final ? await refusal(answer) : "";
    letter.unpaired = Boolean(answer) && answer.status === UNPAIRED;
    await store.put(letter);
    if (!final) this.soon(letter.tries);
    return Boolean(final);
  },

  soon(tries) {
    clearTimeout(this.timer);
    const wait = tries === 0 ? 0 : WAIT_S[Math.min(tries, WAIT_S.length) - 1];
    this.timer = setTimeout(() => this.send(), wait * 1000);
  },

  changed() {
    window.dispatchEvent(new CustomEvent("outbox-changed"));
  },
};

window.addEventListener("online", () => outbox.soon(0));
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) outbox.soon(0);
});

// The forms that carry photos: the one that asks for a verdict, and the one that keeps what was judged.
let leaving = false;
for (const way of ["pagehide", "pageshow"]) {
  window.addEventListener(way, () => {
    leaving = way === "pagehide";
  });
}

const taken = () => document.querySelectorAll("#result [name=image_id]");

function on(event, shoot, keep) {
  document.addEventListener(event, ({ detail, target }) => {
    if (target.id === "shoot") shoot(target, detail);
    else if (target.classList.contains("keep")) keep(target, detail);
  });
}

const nothing = () => {};
on("htmx:beforeSend", (form) => outbox.hold(form), nothing);
on("htmx:sendAbort", () => leaving || outbox.settle(true), nothing);
for (const lost of ["htmx:sendError", "htmx:timeout"]) on(lost, () => outbox.settle(false), (form) => outbox.keep(form));
on("htmx:afterRequest", (form, { xhr }) => {
  if (xhr.status > 0) outbox.settle(xhr.status !== UNPAIRED);
}, (form, { xhr }) => {
  if ([UNPAIRED, GONE].includes(xhr.status)) outbox.keep(form);
});
on("htmx:afterOnLoad", (form) => {
  const ids = Array.from(taken(), (each) => each.value);
  const photo = form.elements.image.files[0];
  for (const id of outbox.shots.keys()) if (!ids.includes(id)) outbox.shots.delete(id);
  if (ids.length > 0 && photo) outbox.shots.set(ids.at(-1), photo);
}, nothing);

document.addEventListener("alpine:init", () => {
  Alpine.data("outbox", () => ({
    letters: [],
    get any() {
      return this.letters.length > 0;
    },
    get title() {
      const waiting = this.letters.filter((each) => !each.refused).length;
      return waiting ? `${words.waiting} (${waiting})` : words.refused;
    },
    async init() {
      window.addEventListener("outbox-changed", () => this.load());
      await outbox.release();
      await this.load();
      outbox.soon(0);
    },
    async load() {
      for (const each of this.letters) if (each.url) URL.revokeObjectURL(each.url);
      this.letters = (await store.all()).filter((letter) => !letter.held).map((letter) => {
        const photo = letter.photos.at(-1);
        const since = `${words.kept} ${new Date(letter.at).toLocaleTimeString([], { timeStyle: "short" })}.`;
        return {
          id: letter.id,
          refused: letter.refused,
          url: photo ? URL.createObjectURL(photo) : "",
          words: letter.refused || (letter.unpaired ? words.unpaired : since),
        };
      });
    },
    now() {
      outbox.soon(0);
    },
    async discard(event) {
      await store.drop(event.currentTarget.dataset.id);
      await this.load();
    },
  }));
});
