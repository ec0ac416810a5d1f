// Who looks at the page, and what they may do. The SuperLink refuses the rest, whatever is shown here.

const ROLES = ["viewer", "operator", "admin"];
let role = "viewer";

/** Takes note of who signed in. */
export function beginSession(session) {
  role = session.role;
}

/** Whether they may do what needs a role. */
export const may = (needed) => ROLES.indexOf(role) >= ROLES.indexOf(needed);
