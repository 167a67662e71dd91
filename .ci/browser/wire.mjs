// A bot in as few lines as possible, for what the page has to show: the gateway over a websocket of its own (Node's
// oldest supported version has none), REST by fetch. It shares no code with the host or the sandbox.

import { randomBytes } from 'node:crypto';
import { request } from 'node:http';

/** A websocket's client side: whole text frames, ping, close. */
function dial(url, { onText, onClose }) {
  const { hostname, port, pathname, search } = new URL(url);
  const asked = request({ hostname, port, path: pathname + search, headers: { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': randomBytes(16).toString('base64') } });
  let socket = null;
  const send = (text, opcode = 1) => {
    const data = Buffer.from(text);
    const mask = randomBytes(4);
    const head = data.length < 126 ? Buffer.from([0x80 | opcode, 0x80 | data.length]) : Buffer.from([0x80 | opcode, 0xfe, data.length >> 8, data.length & 255]);
    socket?.write(Buffer.concat([head, mask, data.map((byte, at) => byte ^ mask[at % 4])]));
  };
  asked.on('upgrade', (_answer, raw, first) => {
    socket = raw;
    let rest = first;
    const read = (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      for (;;) {
        if (rest.length < 2) return;
        const short = rest[1] & 127;
        const start = short < 126 ? 2 : short === 126 ? 4 : 10;
        if (rest.length < start) return;
        const length = short < 126 ? short : short === 126 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
        if (rest.length < start + length) return;
        const opcode = rest[0] & 15;
        const data = rest.subarray(start, start + length);
        rest = rest.subarray(start + length);
        if (opcode === 1) onText(data.toString());
        else if (opcode === 9) send(data, 10);
        else if (opcode === 8) socket.end();
      }
    };
    socket.on('data', read);
    socket.on('close', onClose);
    socket.on('error', () => {});
    if (first.length) read(Buffer.alloc(0));
  });
  asked.on('error', onClose);
  asked.end();
  return { send, end: () => socket?.destroy() };
}

/** Connects a bot and keeps it connected until `stop`. `on` holds a function per event name. */
export async function connect({ api_url: api, gateway_url: gateway, token }, commands, on) {
  const state = { session: null, sequence: null, ended: false, socket: null };
  const rest = async (method, path, body) => {
    const answer = await fetch(`${api}/api/v10${path}`, { method, headers: { authorization: `Bot ${token}`, 'user-agent': 'DiscordBot (local, 1)', ...(body && !(body instanceof FormData) ? { 'content-type': 'application/json' } : {}) }, body: body instanceof FormData ? body : body && JSON.stringify(body) });
    const text = await answer.text();
    return { status: answer.status, body: text ? JSON.parse(text) : null };
  };
  const me = (await rest('GET', '/users/@me')).body;
  const registered = await rest('PUT', `/applications/${me.id}/commands`, commands);
  if (registered.status !== 200) throw new Error(`commands refused: ${JSON.stringify(registered.body)}`);
  const bot = {
    rest, me,
    say: (channel, body) => rest('POST', `/channels/${channel}/messages`, body),
    answer: ({ id, token: own }, type, data) => rest('POST', `/interactions/${id}/${own}/callback`, { type, data }),
    original: ({ token: own }, body) => rest('PATCH', `/webhooks/${me.id}/${own}/messages/@original`, body),
    stop: () => { state.ended = true; state.socket?.end(); },
  };
  await new Promise((online) => {
    const open = () => {
      let beat = null;
      const socket = dial(`${gateway}/?v=10&encoding=json`, {
        onText: (text) => {
          const { op, d, s, t } = JSON.parse(text);
          if (s) state.sequence = s;
          if (op === 10) {
            beat = setInterval(() => socket.send(JSON.stringify({ op: 1, d: state.sequence })), d.heartbeat_interval);
            socket.send(JSON.stringify(state.session ? { op: 6, d: { token, session_id: state.session, seq: state.sequence } }
              : { op: 2, d: { token, intents: 46_593, properties: { os: 'linux', browser: 'test', device: 'test' }, presence: { status: 'online', since: null, afk: false, activities: [{ name: 'with the page', type: 0 }] } } }));
          } else if (op === 7) socket.end();
          else if (op === 9) { if (!d) state.session = null; socket.end(); }
          if (t === 'READY') { state.session = d.session_id; online(); }
          Promise.resolve(on[t]?.(bot, d)).catch((error) => console.error(t, error));
        },
        onClose: () => { clearInterval(beat); if (!state.ended) setTimeout(open, 50); },
      });
      state.socket = socket;
    };
    open();
  });
  return bot;
}
