// The camera's picture live, with the last shot as a ghost over it: only where the page is trusted (HTTPS,
// or the device itself). Elsewhere the phone's own camera app takes the photo.
"use strict";

const WANTED = { video: { facingMode: { ideal: "environment" }, width: { ideal: 3840 }, height: { ideal: 2160 } } };
const JPEG_QUALITY = 0.92;

document.addEventListener("alpine:init", () => {
  Alpine.data("live", () => ({
    on: false,
    possible: Boolean(navigator.mediaDevices && navigator.mediaDevices.getUserMedia),
    trouble: "",
    ghost: "",
    shown: true,
    stream: null,
    get state() {
      return this.on ? "running" : "";
    },
    get offered() {
      return this.possible && !this.on;
    },
    get known() {
      return this.ghost !== "";
    },
    get haunted() {
      return this.known && this.shown;
    },
    get pressed() {
      return this.shown ? "true" : "false";
    },
    init() {
      document.addEventListener("visibilitychange", () => {
        if (document.hidden && this.on) this.stop(); // nobody looks: the camera is for others
      });
    },
    async start(event) {
      this.trouble = "";
      this.ghost = (event.detail && event.detail.ghost) || "";
      try {
        this.stream = await navigator.mediaDevices.getUserMedia(WANTED);
      } catch {
        localStorage.removeItem(LIVE);
        this.trouble = words.noCamera;
        return;
      }
      localStorage.setItem(LIVE, "yes");
      this.$refs.video.srcObject = this.stream;
      this.on = true;
      await this.$refs.video.play();
      this.$refs.release.focus();
    },
    stop() {
      if (this.stream) for (const track of this.stream.getTracks()) track.stop();
      this.$refs.video.srcObject = null;
      this.stream = null;
      this.on = false;
    },
    flip() {
      this.shown = !this.shown;
    },
    async take() {
      const { video } = this.$refs;
      const canvas = document.createElement("canvas");
      canvas.width = video.videoWidth;
      canvas.height = video.videoHeight;
      canvas.getContext("2d").drawImage(video, 0, 0);
      const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", JPEG_QUALITY));
      this.stop();
      const chosen = new DataTransfer();
      chosen.items.add(new File([blob], "live.jpg", { type: "image/jpeg" }));
      const input = document.getElementById("image");
      input.files = chosen.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    },
  }));
});
