// Calls of a node's REST API.

/** POSTs a message to be published on a pubsub topic; anything but success is an error. */
export function publish(node, pubsubTopic, { payload, contentTopic, ...message }) {
  const body = { payload: Buffer.from(payload).toString("base64"), contentTopic, ...message };
  return call(node, "POST", `/relay/v1/messages/${encodeURIComponent(pubsubTopic)}`, body);
}

/** As `publish`, and the node finds the pubsub topic by the content topic. */
export function publishAuto(node, { payload, contentTopic, ...message }) {
  const body = { payload: Buffer.from(payload).toString("base64"), contentTopic, ...message };
  return call(node, "POST", "/relay/v1/auto/messages", body);
}

/** The messages of a content topic, by the node's own store. */
export async function stored(node, contentTopic) {
  const query = new URLSearchParams({ contentTopics: contentTopic, includeData: "true", pageSize: "100" });
  const text = await call(node, "GET", `/store/v3/messages?${query}`);
  return JSON.parse(text).messages;
}

/** The messages of a content topic that `node` gets of the node at the address `peer` by a Store query. */
export async function storedAt(node, peer, contentTopic) {
  const query = new URLSearchParams({ peerAddr: peer, contentTopics: contentTopic, includeData: "true", pageSize: "100" });
  const text = await call(node, "GET", `/store/v3/messages?${query}`);
  return JSON.parse(text).messages;
}

async function call(node, method, path, body) {
  const response = await fetch(`${node.rest}${path}`, {
    method,
    headers: body && { "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text;
}
