import type { Terminal } from "../terminal/terminal.ts";

/** Sizes in 1024 units, as Flower shows them: `512 B`, `1.4 KB`, `12 MB`. */
export function showBytes(sizeBytes: number): string {
  let size = sizeBytes;
  for (const unit of ["B", "KB", "MB", "GB"]) {
    if (size < 1024) {
      return unit === "B" || size >= 10
        ? `${Math.floor(size)} ${unit}`
        : `${size.toFixed(1)} ${unit}`;
    }
    size /= 1024;
  }
  return `${size >= 10 ? Math.floor(size) : size.toFixed(1)} TB`;
}

/** A slow upload is worth a line that counts the seconds; a fast one is not. */
const QUIET_MS = 700;

/** Shows on a terminal that an upload is under way, until it ends. */
export async function withUploadProgress<T>(
  terminal: Pick<Terminal, "progress">,
  sizeBytes: number,
  upload: () => Promise<T>,
): Promise<T> {
  const start = performance.now();
  let shown = false;
  const timer = setInterval(() => {
    const seconds = (performance.now() - start) / 1000;
    terminal.progress(`Uploading ${showBytes(sizeBytes)}, for ${seconds.toFixed(0)} s...`);
    shown = true;
  }, QUIET_MS);
  try {
    return await upload();
  } finally {
    clearInterval(timer);
    if (shown) terminal.progress("");
  }
}
