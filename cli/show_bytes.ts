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
