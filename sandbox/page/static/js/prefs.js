const PREFIX = "sortie.";

/** Read a remembered choice, or null where the browser keeps nothing for us. */
export function recall(name) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name));
  } catch {
    return null;
  }
}

/** Remember a choice; a browser that refuses storage loses only the choice. */
export function remember(name, value) {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    return false;
  }
  return true;
}
