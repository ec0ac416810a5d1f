// Is told by the SuperLink that something has changed, and passes it on to what shows it.

const POLL_MS = 10_000;
const AGAIN_MS = 15_000;

/** Calls `changed(parts)` with the names of what has changed; all of them at the start. */
export class Live {
  #changed;
  #state;
  #source;
  #known = {};
  #run = "";
  #again;
  #poll;

  constructor(changed, state) {
    this.#changed = changed;
    this.#state = state;
  }

  /** Listens from now on; to the log of a run, too, where there is one. */
  start(run = "") {
    if (this.#source && run === this.#run) return;
    this.stop();
    this.#run = run;
    this.#source = new EventSource(run === "" ? "/api/events" : `/api/events?run=${run}`);
    this.#source.onopen = () => this.#state("connected");
    this.#source.onmessage = ({ data }) => {
      clearInterval(this.#poll);
      this.#poll = undefined;
      const now = JSON.parse(data);
      const parts = Object.keys(now).filter((part) => now[part] !== this.#known[part]);
      this.#known = now;
      this.#changed(new Set(parts));
    };
    this.#source.addEventListener(
      "signed-out",
      () => globalThis.dispatchEvent(new Event("signed-out")),
    );
    this.#source.onerror = () => {
      this.#state("waiting");
      // After an answer that is no stream the browser does not try again by itself.
      if (this.#source?.readyState !== EventSource.CLOSED) return;
      this.#poll ??= setInterval(() => this.#changed(new Set(["all"])), POLL_MS);
      clearTimeout(this.#again);
      this.#again = setTimeout(() => {
        this.#source = undefined;
        this.start(this.#run);
      }, AGAIN_MS);
    };
  }

  stop() {
    this.#source?.close();
    this.#source = undefined;
    clearTimeout(this.#again);
    clearInterval(this.#poll);
    this.#poll = undefined;
    this.#known = {};
  }
}
