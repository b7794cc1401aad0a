// Pairs this phone. The code comes behind # in the QR code's address, which is sent to nobody.
"use strict";

const [code = "", pin = ""] = decodeURIComponent(window.location.hash.slice(1)).split(".");

function guess() {
  const kinds = [["iPhone", /iPhone/], ["iPad", /iPad/], ["Android phone", /Android.*Mobile/], ["Android tablet", /Android/]];
  const found = kinds.find(([, pattern]) => pattern.test(navigator.userAgent));
  return found ? found[0] : "";
}

function compare(shown) {
  const hex = atob(pin.replaceAll("-", "+").replaceAll("_", "/"));
  const expected = Array.from(hex, (c) => c.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()).join(":");
  const box = document.getElementById("pin");
  const same = expected === shown.textContent.trim();
  box.textContent = same ? box.dataset.same : box.dataset.other;
  box.classList.toggle("bad", !same);
  box.hidden = false;
}

async function pair(form) {
  const said = document.getElementById("said");
  said.textContent = "";
  try {
    const answer = await fetch("/pair", {
      method: "POST",
      headers: { ...AS_A_PAGE, "Content-Type": "application/json" },
      body: JSON.stringify({ code: form.elements.code.value.trim(), name: form.elements.name.value.trim(), cookie: true }),
    });
    if (answer.ok) {
      window.location.assign("/");
      return;
    }
    said.textContent = await refusal(answer);
  } catch {
    said.textContent = said.dataset.offline;
  }
}

const form = document.getElementById("pair");
if (form) {
  form.elements.code.value = code;
  form.elements.name.value = guess();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    pair(form);
  });
}

const secure = document.getElementById("secure");
if (secure && code) secure.hash = window.location.hash;
const print = document.getElementById("fingerprint");
if (pin && print) compare(print);
// It is good once, and need not stay in the phone's history; unless the phone has to come back for it.
if (code && !secure) window.history.replaceState(null, "", window.location.pathname);

// How long a code that this page shows is still good.
document.addEventListener("htmx:afterSwap", () => {
  const shown = document.getElementById("left");
  if (!shown || shown.dataset.until) return;
  shown.dataset.until = Date.now() + 1000 * Number(shown.dataset.seconds);
  const tick = () => {
    if (!shown.isConnected) return;
    const left = Math.max(0, Math.round((Number(shown.dataset.until) - Date.now()) / 1000));
    shown.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")} min`;
    if (left > 0) setTimeout(tick, 1000);
  };
  tick();
});
