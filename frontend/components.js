// Small Alpine components. The CSP build evaluates no expressions, so templates only name what is here.

import { announce } from "./announce.js";
import { chosenTheme, chooseTheme } from "./theme-choice.js";
import { language, text } from "./texts.js";

export function theme() {
  return {
    choice: chosenTheme(),
    choose(event) {
      this.choice = event.currentTarget.value;
      chooseTheme(this.choice);
    },
    marks: {
      [":aria-pressed"]() {
        return String(this.choice === this.$el.value);
      },
      ["@click"](event) {
        this.choose(event);
      },
    },
  };
}

export function copy() {
  return {
    done: false,
    async copy() {
      await navigator.clipboard.writeText(this.$root.dataset.copy);
      this.done = true;
      announce(text("copied"));
      setTimeout(() => (this.done = false), 2000);
    },
    get waiting() {
      return !this.done;
    },
  };
}

function fileSize(bytes) {
  const [unit, divisor] = bytes < 1e6 ? ["kilobyte", 1e3] : ["megabyte", 1e6];
  const format = new Intl.NumberFormat(language, { style: "unit", unit, maximumFractionDigits: 1 });
  return format.format(bytes / divisor);
}

// The <input type=file> beneath stays the real control: a drop only fills it.
export function dropzone() {
  return {
    over: false,
    chosen: "",
    init() {
      this.describe();
    },
    enter() {
      this.over = true;
    },
    leave() {
      this.over = false;
    },
    drop(event) {
      this.over = false;
      if (!event.dataTransfer.files.length) return;
      this.$refs.input.files = event.dataTransfer.files;
      this.$refs.input.dispatchEvent(new Event("change", { bubbles: true }));
    },
    describe() {
      const files = [...this.$refs.input.files];
      this.chosen = files.map((file) => `${file.name} (${fileSize(file.size)})`).join(", ");
      if (this.chosen) announce(this.chosen);
    },
  };
}
