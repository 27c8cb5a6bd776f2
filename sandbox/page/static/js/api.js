/** A page call that did not succeed: `status` is 0 when the sandbox could not be reached. */
export class PageError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function call(method, path, body) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new PageError(0, "The sandbox does not answer.");
  }
  const text = await response.text();
  let answer = null;
  try {
    answer = JSON.parse(text);
  } catch {
    if (response.ok) throw new PageError(response.status, "The sandbox sent an answer that is not JSON.");
  }
  if (!response.ok) throw new PageError(response.status, answer?.error ?? answer?.description ?? `HTTP ${response.status}`);
  return answer;
}

const query = (values) => {
  const known = Object.entries(values).filter(([, value]) => value !== null && value !== undefined);
  return new URLSearchParams(known.map(([name, value]) => [name, String(value)])).toString();
};

export const bootstrap = () => call("GET", "/page/bootstrap");
export const messages = (chatId, { person, thread, limit, before }) =>
  call("GET", `/page/chats/${chatId}/messages?${query({ person, thread, limit, before })}`);
export const unread = (person) => call("GET", `/page/unread?${query({ person })}`);
export const say = (body) => call("POST", "/page/say", body);
export const tap = (body) => call("POST", "/page/tap", body);
export const start = (body) => call("POST", "/page/start", body);
export const block = (body) => call("POST", "/page/block", body);
export const read = (body) => call("POST", "/page/read", body);
export const addPerson = (name) => call("POST", "/page/person", { name });
export const addGroup = (title, by) => call("POST", "/page/group", { title, by });
export const faults = () => call("GET", "/page/faults");
export const setFault = (body) => call("POST", "/page/faults", body);
export const control = (name) => call("GET", `/page/control/${name}`);
export const command = (name) => call("POST", `/page/control/${name}`, {});
export const transcriptAddress = (chatId, person) => `/page/transcript?${query({ chat_id: chatId, person })}`;
