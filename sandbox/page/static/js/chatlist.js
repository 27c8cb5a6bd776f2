import { badge, el, face } from "./dom.js";
import { listTime } from "./format.js";
import { summary } from "./previews.js";

/** Build the list of a person's conversations: last message, time and unread count of each. */
export function chatList({ store, previews, unread }, person, { open, newGroup }) {
  const list = el("ul", { class: "chat-list" });
  let forum = null;
  for (const conversation of store.conversations(person)) {
    if (conversation.kind === "topic" && conversation.forum !== forum) {
      list.append(el("li", { class: "forum-name", text: conversation.forum }));
    }
    forum = conversation.forum ?? null;
    const message = previews.of(person, conversation);
    list.append(row(conversation, message, { store, person, unread: unread.count(person, conversation), open }));
  }
  list.append(el("li", {}, groupForm(newGroup)));
  return list;
}

function row(conversation, message, { store, person, unread, open }) {
  const { chatId, threadId, title, kind } = conversation;
  const label = [title, unread ? `${unread} unread` : null].filter(Boolean).join(", ");
  const button = el(
    "button",
    {
      type: "button", class: `chat-row ${kind}`, "aria-label": label, dataset: { chat: chatId, thread: threadId ?? "" },
      onclick: () => open(conversation),
    },
    face(conversation, store.bot.id),
    el(
      "span",
      { class: "chat-row-text" },
      el("span", { class: "chat-row-title" }, title, conversation.closed ? el("small", { text: " closed" }) : null),
      el("span", { class: "chat-row-last", text: message ? lastLine(message, person, kind) : emptyLine(kind) }),
    ),
    el("span", { class: "chat-row-side" }, el("time", { text: message ? listTime(message.date) : "" }), badge(unread)),
  );
  return el("li", {}, button);
}

function lastLine(message, person, kind) {
  const text = summary(message);
  if (message.service || message.from === null) return text;
  if (message.from.id === person) return `You: ${text}`;
  return kind === "bot" ? text : `${message.from.name}: ${text}`;
}

const emptyLine = (kind) => (kind === "bot" ? "Press Start to begin" : "No messages yet");

function groupForm(newGroup) {
  const input = el("input", {
    type: "text", placeholder: "New group with the bot", "aria-label": "Name of the new group", maxlength: "60",
  });
  const submit = (event) => {
    event.preventDefault();
    const title = input.value.trim();
    if (title) newGroup(title);
  };
  const create = el("button", { type: "submit", class: "plain-button", text: "Create" });
  return el("form", { class: "inline-form", onsubmit: submit }, input, create);
}
