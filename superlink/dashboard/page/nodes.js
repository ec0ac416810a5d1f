// The nodes of the federation.

import { get, post } from "./api.js";
import { confirmAction, facts, openDialog } from "./dialog.js";
import { h, notice } from "./dom.js";
import { ago, bytes, time } from "./format.js";
import { listView } from "./list.js";
import { may } from "./session.js";

const STATUSES = ["online", "offline", "registered", "suspended", "expired", "unregistered"];

const labelTexts = (labels) => Object.entries(labels).map(([name, value]) => `${name}=${value}`);

/** As soon before as the log of the SuperLink begins to warn. */
const WARNED_DAYS = 30;
const DAY_MS = 86_400_000;

/** How much is left of a registration that ends soon. */
function left(status, expiresAt, now) {
  const days = (expiresAt - now) / DAY_MS;
  if (!expiresAt || days < 0 || days >= WARNED_DAYS || status === "unregistered") return "";
  return days < 1 ? "ends today" : `ends in ${Math.floor(days)} d`;
}

export function nodesView() {
  const counts = h("p", { class: "counts" });
  const status = h(
    "select",
    { "aria-label": "Status" },
    h("option", { value: "" }, "all but unregistered"),
    ...STATUSES.map((value) => h("option", { value }, value)),
    h("option", { value: "all" }, "all"),
  );
  status.addEventListener("change", () => view.list.filter({ status: status.value }));
  const register = h("button", { type: "button", class: "primary" }, "Register…");
  register.addEventListener("click", () => openRegister(view.list.refresh));
  const view = listView({
    title: "SuperNodes",
    part: "nodes",
    head: [counts, status, ...(may("admin") ? [register] : [])],
    async changed() {
      const { nodes } = await get("/api/overview");
      counts.replaceChildren(
        ...STATUSES.filter((word) => nodes[word]).map((word) =>
          h("span", { class: `badge ${word}` }, `${nodes[word].toLocaleString("en")} ${word}`)
        ),
      );
    },
    empty: "No SuperNode is here.",
    load: (wanted) => get("/api/nodes", wanted),
    idOf: ({ id }) => id,
    columns: [
      {
        title: "Name",
        sort: "name",
        kind: "grow",
        cell: ({ id, name }) => ({
          text: name || "(no name)",
          href: `#/nodes/${id}`,
          kind: name ? "" : "unnamed",
          title: name,
        }),
      },
      { title: "Node ID", sort: "id", kind: "mono", cell: ({ id }) => id },
      {
        title: "Status",
        sort: "status",
        cell: ({ status, expiresAt }, now) => ({
          text: [status, left(status, expiresAt, now)].filter(Boolean).join(" · "),
          kind: `badge ${status}`,
          title: expiresAt && `The registration ends at ${time(expiresAt)}`,
        }),
      },
      {
        title: "Last seen",
        sort: "seen",
        cell: ({ lastSeenAt }, now) => ({ text: ago(lastSeenAt, now), title: time(lastSeenAt) }),
      },
      { title: "Version", sort: "version", cell: ({ version }) => version || "–" },
      {
        title: "Transport",
        sort: "transport",
        cell: ({ transport }) => ({ grpc: "gRPC", http: "HTTP" })[transport] ?? "–",
      },
      { title: "In", sort: "in", kind: "number", cell: ({ bytesIn }) => bytes(bytesIn) },
      { title: "Out", sort: "out", kind: "number", cell: ({ bytesOut }) => bytes(bytesOut) },
      {
        title: "Labels",
        cell: ({ labels }) => ({
          text: labelTexts(labels).join(", ") || "–",
          title: labelTexts(labels).join("\n"),
        }),
      },
      {
        title: "Key fingerprint",
        sort: "fingerprint",
        kind: "mono",
        cell: ({ fingerprint }) => ({ text: fingerprint.slice(0, 16) + "…", title: fingerprint }),
      },
    ],
  });
  return view;
}

function openRegister(done) {
  const name = h("input", { id: "node-name", maxlength: 128 });
  const key = h("textarea", {
    id: "node-key",
    rows: 6,
    spellcheck: "false",
    placeholder: "-----BEGIN PUBLIC KEY-----",
  });
  openDialog({
    title: "Register a SuperNode",
    body: [
      h(
        "p",
        {},
        "Paste the public key of its key pair, as trellis keys generate or ssh-keygen wrote it. A key can be registered once and never again.",
      ),
      h("label", { for: "node-key" }, "Public key"),
      key,
      h("label", { for: "node-name" }, "Name (optional)"),
      name,
    ],
    actions: [{
      text: "Register",
      kind: "primary",
      async act() {
        const { id } = await post("/api/nodes", { publicKey: key.value, name: name.value });
        notice(`SuperNode ${id} is registered.`);
        done();
      },
    }],
  });
  key.focus();
}

/** One node, over the list; `closed` is called when it is left. */
export async function openNode(id, closed, done) {
  const node = await get(`/api/nodes/${id}`);
  const called = node.name ? `SuperNode "${node.name}"` : `SuperNode ${id}`;
  const act = (verb, sentence) => async () => {
    await post(`/api/nodes/${id}/${verb}`);
    notice(sentence);
    done();
  };
  const asking = (question) => () => {
    confirmAction(question);
    return Promise.resolve();
  };
  const isFixed = node.status === "unregistered" || !may("admin");
  const suspend = {
    text: "Suspend…",
    act: asking({
      title: `Suspend ${called}?`,
      sentences: [
        "It is shut out at once, also from runs that are under way: they go on without it.",
        "This can be undone: Resume lets it in again, with the same key.",
      ],
      text: "Suspend",
      kind: "primary",
      act: act("suspend", `${called} is suspended.`),
    }),
  };
  const edit = {
    text: "Edit…",
    act: () => {
      openEdit(node, done);
      return Promise.resolve();
    },
  };
  const resume = { text: "Resume", act: act("resume", `${called} may join again.`) };
  const unregister = {
    text: "Unregister…",
    kind: "danger",
    act: asking({
      title: `Unregister ${called}?`,
      sentences: [
        "It is cut off at once, also from runs that are under way.",
        "This cannot be undone: its key can never be registered again. To come back, it needs a new " +
        "key pair.",
      ],
      text: "Unregister for ever",
      act: act("unregister", `${called} is unregistered.`),
    }),
  };
  openDialog({
    title: called,
    closeText: "Close",
    onClose: closed,
    body: [facts([
      ["Status", h("span", { class: `badge ${node.status}` }, node.status)],
      ["Node ID", h("code", {}, id)],
      ["Key fingerprint", h("code", {}, node.fingerprint)],
      [
        "Key",
        node.keyless ? "made by its process; nobody registered it" : "registered by an operator",
      ],
      ["Labels", labelTexts(node.labels).join(", ")],
      ["Location", node.location],
      ["Registration ends", node.expiresAt ? time(node.expiresAt) : ""],
      ["Version", node.version],
      ["Transport", { grpc: "gRPC", http: "HTTP" }[node.transport] ?? ""],
      ["Address", node.peer],
      ["Last seen", node.lastSeenAt ? time(node.lastSeenAt) : "never"],
      ["Registered", time(node.registeredAt)],
      [
        "Bytes in and out",
        `${bytes(node.bytesIn)} and ${bytes(node.bytesOut)} since the SuperLink started`,
      ],
    ])],
    actions: isFixed ? [] : [edit, node.status === "suspended" ? resume : suspend, unregister],
  });
}

function openEdit(node, done) {
  const name = h("input", { id: "edit-name", maxlength: 128, value: node.name });
  const location = h("input", {
    id: "edit-location",
    value: node.location,
    placeholder: "52.52,13.41",
  });
  const labels = h("textarea", { id: "edit-labels", rows: 5, spellcheck: "false" });
  labels.value = labelTexts(node.labels).join("\n");
  openDialog({
    title: `Edit SuperNode ${node.id}`,
    body: [
      h("label", { for: "edit-name" }, "Name"),
      name,
      h("label", { for: "edit-location" }, "Location (latitude, longitude)"),
      location,
      h("label", { for: "edit-labels" }, "Labels, one a line: name=value"),
      labels,
    ],
    actions: [{
      text: "Save",
      kind: "primary",
      async act() {
        const wanted = readLabels(labels.value);
        const gone = Object.entries(node.labels).filter(([key]) => !(key in wanted));
        await post(`/api/nodes/${node.id}/update`, {
          name: name.value,
          location: location.value,
          setLabels: wanted,
          removeLabels: Object.fromEntries(gone),
        });
        notice(`SuperNode ${node.id} was changed.`);
        done();
      },
    }],
  });
  name.focus();
}

function readLabels(text) {
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  return Object.fromEntries(lines.map((line) => {
    const at = line.indexOf("=");
    if (at < 1) throw new Error(`"${line}" is not name=value.`);
    return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
  }));
}
