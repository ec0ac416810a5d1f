// Asks the SuperLink.

/** What the SuperLink answers that is no success; its message is for the person. */
export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export const get = (path, query = {}) => {
  const text = new URLSearchParams(query).toString();
  return ask(text === "" ? path : `${path}?${text}`, {});
};

export const post = (path, body = {}) =>
  ask(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, { ...options, credentials: "same-origin" });
  } catch {
    throw new ApiError(0, "The SuperLink does not answer.");
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  if (response.status === 401 && path !== "/api/login") {
    globalThis.dispatchEvent(new Event("signed-out"));
  }
  throw new ApiError(response.status, answer.error ?? `The SuperLink answered ${response.status}.`);
}
