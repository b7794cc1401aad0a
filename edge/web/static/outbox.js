// Photos that could not be sent: kept in this browser until the device has them, over reloads and
// lost Wi-Fi. Each goes under an idempotency key, so that one whose answer was lost arrives once.
"use strict";

const WAIT_S = [2, 5, 15, 60]; // before each further try

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
  all() {
    return this.do("readonly", (table) => table.getAll());
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

const outbox = {
  timer: 0,
  busy: false,

  // Keep a form that could not be sent. A photo that nobody has judged becomes a case by itself.
  async keep(form) {
    const judged = form.classList.contains("keep");
    const fields = Array.from(new FormData(form)).filter(([, value]) => !(value instanceof File && value.size === 0));
    const photo = fields.find(([, value]) => value instanceof File);
    if (!judged && !photo) return false;
    const id = randomKey();
    await store.put({
      id,
      url: judged ? "/page/keep" : "/cases",
      fields: judged ? fields : fields.filter(([name]) => name === "image" || name === "profile"),
      at: Date.now(),
      tries: 0,
      refused: "",
    });
    this.changed();
    this.soon(0);
    return true;
  },

  async send() {
    if (this.busy) return;
    this.busy = true;
    try {
      for (const letter of await store.all()) {
        if (!letter.refused && !(await this.sendOne(letter))) break;
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
    let answer;
    try {
      answer = await fetch(letter.url, {
        method: "POST",
        headers: { Accept: "application/json", "Idempotency-Key": letter.id },
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
    const final = answer && answer.status >= 400 && answer.status < 500 && ![401, 408, 429].includes(answer.status);
    letter.tries += 1;
    letter.refused = final ? await refusal(answer) : "";
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

async function refusal(answer) {
  try {
    const { message, hint } = (await answer.json()).error;
    return [message, hint].filter(Boolean).join(" ");
  } catch {
    return `${words.answered} ${answer.status}.`;
  }
}

window.addEventListener("online", () => outbox.soon(0));
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) outbox.soon(0);
});

for (const lost of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(lost, (event) => {
    const form = event.detail.elt.closest("form");
    if (form && (form.id === "shoot" || form.classList.contains("keep"))) outbox.keep(form);
  });
}

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
      await this.load();
      outbox.soon(0);
    },
    async load() {
      for (const each of this.letters) if (each.url) URL.revokeObjectURL(each.url);
      this.letters = (await store.all()).map((letter) => {
        const photo = letter.fields.map(([, value]) => value).find((value) => value instanceof File);
        return {
          id: letter.id,
          refused: letter.refused,
          url: photo ? URL.createObjectURL(photo) : "",
          words: letter.refused || `${words.kept} ${new Date(letter.at).toLocaleTimeString([], { timeStyle: "short" })}.`,
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
