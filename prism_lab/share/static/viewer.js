// Draws a dashboard whose outputs are all Bokeh's, and speaks to its kernel over one WebSocket.
//
// Voila's own front end is JupyterLab's: 4.7 MB and more than two seconds of a browser, to find the widget of a page and
// carry its messages. A page with any other output still gets it (page.js decides).

// Jupyter's messages over a WebSocket: https://jupyter-server.readthedocs.io/en/latest/developers/websocket-protocols.html
const PROTOCOL = "v1.kernel.websocket.jupyter.org";
const PARTS = ["header", "parent_header", "metadata", "content"];

function packed(message) {
  const encoder = new TextEncoder();
  const parts = [message.channel, ...PARTS.map((part) => JSON.stringify(message[part]))].map((text) => encoder.encode(text));
  const offsets = [8 * (parts.length + 2)];
  for (const part of parts) offsets.push(offsets.at(-1) + part.length);
  const whole = new Uint8Array(offsets.at(-1));
  const view = new DataView(whole.buffer);
  [offsets.length, ...offsets].forEach((number, k) => view.setBigUint64(8 * k, BigInt(number), true));
  parts.forEach((part, k) => whole.set(part, offsets[k]));
  return whole;
}

function unpacked(data) {
  const view = new DataView(data), decoder = new TextDecoder();
  const offsets = Array.from({ length: Number(view.getBigUint64(0, true)) }, (_, k) => Number(view.getBigUint64(8 * (k + 1), true)));
  const text = (k) => decoder.decode(new Uint8Array(data, offsets[k], offsets[k + 1] - offsets[k]));
  return { header: JSON.parse(text(1)), parent_header: JSON.parse(text(2)), content: JSON.parse(text(4)) };
}

const unique = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

// The kernel at the other end; what is said while the line is down is sent when it is up again, and the server keeps for
// this session what the kernel says meanwhile.
class Kernel {
  static MOST_TRIES = 7;

  constructor(address, hear, opened) {
    this.session = unique();
    this.address = `${address.replace(/^http/, "ws")}/channels?session_id=${this.session}`;
    Object.assign(this, { hear, opened });
    this.unsent = [];
    this.tries = 0;
    this.connect();
  }

  connect() {
    this.line = new WebSocket(this.address, PROTOCOL);
    this.line.binaryType = "arraybuffer";
    this.line.onopen = () => {
      this.tries = 0;
      this.unsent.splice(0).forEach((message) => this.line.send(message));
      this.opened();
    };
    this.line.onmessage = (event) => this.hear(unpacked(event.data));
    this.line.onclose = () => {
      if (this.tries < Kernel.MOST_TRIES) setTimeout(() => this.connect(), 500 * 2 ** this.tries++);
    };
  }

  say(type, content) {
    const id = unique(), date = new Date().toISOString();
    const header = { msg_id: id, msg_type: type, session: this.session, username: "", date, version: "5.3" };
    const message = packed({ channel: "shell", header, parent_header: {}, metadata: {}, content });
    if (this.line.readyState === WebSocket.OPEN) this.line.send(message);
    else this.unsent.push(message);
    return id;
  }
}

// One widget: a Bokeh document in the page, told what changes in the kernel, telling it what changes here.
class Picture {
  constructor(kernel, id, place) {
    Object.assign(this, { kernel, id, place, unheard: new Map(), waiting: new Map(), told: false, later: [] });
  }

  draw(bundle) {
    const { docs_json, render_items, div } = JSON.parse(bundle);
    this.place.innerHTML = div;
    const { Document } = Bokeh.require("document");
    const { add_document_standalone } = Bokeh.require("embed/standalone");
    const { Receiver } = Bokeh.require("protocol/receiver");
    this.document?.clear();
    this.receiver = new Receiver();
    this.document = Document.from_json(Object.values(docs_json)[0]);
    for (const { roots } of render_items) {
      const places = Object.fromEntries(Object.keys(roots).map((root) => [root, this.place.firstElementChild]));
      add_document_standalone(this.document, this.place.firstElementChild, places);
    }
    const tell = (event) => (this.told ? this.later.push(event) : this.changed(event));
    this.document.on_change(Object.assign(tell, { tells: true })); // and hears only what the kernel does not know
  }

  // what follows from a change that the kernel made is said once the change is whole
  patch(payload) {
    this.receiver.consume(payload);
    const message = this.receiver.message;
    if (!message || !Object.keys(message.content).length) return;
    this.told = true;
    try {
      this.document.apply_json_patch(message.content, message.buffers);
    } finally {
      this.told = false;
      this.later.splice(0).forEach((event) => this.changed(event));
    }
  }

  // while the kernel is at work on a property's last value, only its newest waits; nothing else does
  changed(event) {
    const { Serializer } = Bokeh.require("core/serialization");
    const references = new Map([...event.document._all_models.values()].map((model) => [model, model.ref()]));
    const change = { ...new Serializer({ references }).encode(event), event: "jsevent" };
    const property = change.kind === "ModelChanged" ? `${change.model.id} ${change.attr}` : "";
    if ([...this.unheard.values()].includes(property)) this.waiting.set(property, change);
    else this.say(change, property);
  }

  say(change, property) {
    const message = this.kernel.say("comm_msg", { comm_id: this.id, data: { method: "custom", content: change } });
    if (property) this.unheard.set(message, property);
  }

  // an answer that got lost with the line is not waited for, and a picture that did is asked for again
  opened() {
    if (!this.document) this.kernel.say("comm_msg", { comm_id: this.id, data: { method: "request_state" } });
    const waiting = [...this.waiting];
    this.unheard.clear();
    this.waiting.clear();
    for (const [property, change] of waiting) this.say(change, property);
  }

  heard(message) {
    const property = this.unheard.get(message), change = this.waiting.get(property);
    this.unheard.delete(message);
    this.waiting.delete(property);
    if (change) this.say(change, property);
  }
}

// Fill the page's places, each by the widget of a kernel whose id stands beside it.
export function view(address, places) {
  const ready = new Promise((done) => {
    if (window.Bokeh?.prism) done(); // set by the last of the deferred scripts
    else document.addEventListener("DOMContentLoaded", done);
  });
  const pictures = new Map();
  const heard = {
    status({ content, parent_header }) {
      if (content.execution_state !== "idle") return;
      for (const picture of pictures.values()) picture.heard(parent_header.msg_id);
    },
    comm_msg({ content: { comm_id, data } }) {
      const picture = pictures.get(comm_id);
      if (data.method === "update" && data.state.render_bundle) picture?.draw(data.state.render_bundle);
      if (data.method === "custom" && data.content.msg === "patch" && picture?.document) picture.patch(data.content.payload);
    },
  };
  const hear = (message) => {
    const handle = heard[message.header.msg_type];
    if (handle) ready.then(() => handle(message));
  };
  const kernel = new Kernel(address, hear, () => pictures.forEach((picture) => picture.opened()));
  for (const [id, place] of places) pictures.set(id, new Picture(kernel, id, place));
}
