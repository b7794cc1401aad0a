// What is really on the photo: a mark is touched and named anew, and what was missed is drawn with a finger.
// The form itself works without this.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const LEAST = 0.01; // of the picture's longer side: a touch that draws nothing

function place(svg, event) { // of the finger, in pixels of the picture
  const box = svg.viewBox.baseVal;
  const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  const within = (value, end) => Math.min(Math.max(value, 0), end);
  return [within(at.x, box.width), within(at.y, box.height)];
}

function span([ax, ay], [bx, by]) {
  return [Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)].map(Math.round);
}

function paint(rect, [x1, y1, x2, y2]) {
  for (const [name, value] of Object.entries({ x: x1, y: y1, width: x2 - x1, height: y2 - y1 })) rect.setAttribute(name, value);
}

document.addEventListener("alpine:init", () => {
  Alpine.data("correct", () => ({
    drawing: false,
    get pressed() {
      return this.drawing ? "true" : "false";
    },
    init() {
      this.svg = document.querySelector(".touch svg.boxes");
      if (!this.svg) return;
      this.svg.addEventListener("click", (event) => this.touched(event));
      this.svg.addEventListener("pointerdown", (event) => this.begin(event));
    },
    touched(event) {
      const mark = event.target.closest("[data-place]");
      if (!mark || this.drawing) return;
      this.$el.closest("details").open = true;
      this.pick(document.querySelector(`#correct [data-place="${mark.dataset.place}"]`));
    },
    pick(select) {
      select.scrollIntoView({ block: "center" });
      select.focus();
      try {
        select.showPicker();
      } catch {
        // an older browser: it is in focus, a touch opens it
      }
    },
    draw(event) {
      this.drawing = !this.drawing;
      const button = event.currentTarget;
      button.dataset.idle ||= button.textContent;
      button.textContent = this.drawing ? button.dataset.done : button.dataset.idle;
      this.svg.classList.toggle("drawing", this.drawing);
      if (this.drawing) this.svg.scrollIntoView({ block: "center" });
    },
    begin(event) {
      if (!this.drawing) return;
      event.preventDefault();
      const start = place(this.svg, event);
      const rect = document.createElementNS(SVG, "rect");
      rect.classList.add("line", "drawn");
      this.svg.append(rect);
      this.svg.setPointerCapture(event.pointerId);
      const move = (moved) => paint(rect, span(start, place(this.svg, moved)));
      const end = (ended) => {
        this.svg.removeEventListener("pointermove", move);
        for (const name of ["pointerup", "pointercancel"]) this.svg.removeEventListener(name, end);
        const box = span(start, place(this.svg, ended));
        const { width, height } = this.svg.viewBox.baseVal;
        const least = LEAST * Math.max(width, height);
        if (ended.type === "pointerup" && box[2] - box[0] > least && box[3] - box[1] > least) this.add(rect, box);
        else rect.remove();
      };
      this.svg.addEventListener("pointermove", move);
      for (const name of ["pointerup", "pointercancel"]) this.svg.addEventListener(name, end);
    },
    add(rect, box) {
      const button = document.querySelector("#correct [data-done]");
      this.draw({ currentTarget: button });
      const row = this.$refs.row.content.firstElementChild.cloneNode(true);
      const [select, hidden, away] = ["select", "input", "button"].map((name) => row.querySelector(name));
      const write = () => {
        hidden.value = `${box.join(" ")} ${select.value}`;
      };
      select.addEventListener("change", write);
      away.addEventListener("click", () => {
        rect.remove();
        row.remove();
      });
      write();
      this.$refs.marks.append(row);
      this.pick(select);
    },
  }));

  // Hands the case's PDF to whatever the phone shares with.
  Alpine.data("share", () => ({
    can: Boolean(navigator.canShare && navigator.canShare({ files: [new File([], "a.pdf", { type: "application/pdf" })] })),
    async send(event) {
      const { url, name, title } = event.currentTarget.dataset;
      const answer = await fetch(url);
      if (!answer.ok) return;
      const file = new File([await answer.blob()], name, { type: "application/pdf" });
      await navigator.share({ files: [file], title }).catch(() => {}); // they thought better of it
    },
  }));
});
