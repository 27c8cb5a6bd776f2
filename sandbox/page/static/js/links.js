/**
 * Decide what following an address does: `start` for a deep link to our own bot, `show` for its plain address,
 * `open` for anything else.
 * Both https://t.me/<bot>?start=<payload> and tg://resolve?domain=<bot>&start=<payload> are deep links.
 */
export function classify(url, botUsername) {
  const name = botUsername.toLowerCase();
  const ours = url.protocol === "tg:"
    ? (url.searchParams.get("domain") ?? "").toLowerCase() === name
    : ["t.me", "telegram.me"].includes(url.hostname) && url.pathname.slice(1).toLowerCase() === name;
  if (!ours) return { kind: "open", url };
  const payload = url.searchParams.get("start");
  return payload === null ? { kind: "show" } : { kind: "start", payload };
}

const COMMAND = /(^|\s)(\/[a-z0-9_]{1,32}(?:@\w+)?)(?![\w/])/gi;

/** Make the bot commands inside a message's text pressable. */
export function linkCommands(root, onCommand) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) {
    if (!walker.currentNode.parentElement?.closest("a, pre, code")) texts.push(walker.currentNode);
  }
  for (const node of texts) {
    const parts = splitCommands(node.data, onCommand);
    if (parts.length > 1) node.replaceWith(...parts);
  }
}

function splitCommands(text, onCommand) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(COMMAND)) {
    const from = match.index + match[1].length;
    parts.push(text.slice(end, from), commandButton(match[2], onCommand));
    end = from + match[2].length;
  }
  parts.push(text.slice(end));
  return parts;
}

function commandButton(text, onCommand) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "command-link";
  button.textContent = text;
  button.addEventListener("click", () => onCommand(text));
  return button;
}
