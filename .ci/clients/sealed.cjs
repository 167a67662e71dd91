// Nothing connects anywhere but to this computer: what a client tries beside its address is a failure, not traffic.
// Loaded before the client (`node -r`), so that it holds for all that the client brings along.

const dns = require('node:dns');
const net = require('node:net');

const isLocal = (host) => host === undefined || host === '' || host === 'localhost' || host === '::1' || /^127\./.test(host);
const refusal = (host) => new Error(`sealed: nothing may connect to ${host}`);

const { connect } = net.Socket.prototype;
net.Socket.prototype.connect = function sealed(...all) {
  // Node's own callers hand over an array of the arguments; others a port with a host, a path, or options.
  const [first, second] = Array.isArray(all[0]) ? all[0] : all;
  const host = first !== null && typeof first === 'object' ? first.host : typeof first === 'string' && Number.isNaN(Number(first)) ? undefined : typeof second === 'string' ? second : undefined;
  if (!isLocal(host)) {
    process.nextTick(() => this.destroy(refusal(host)));
    return this;
  }
  return connect.apply(this, all);
};

const { lookup } = dns;
dns.lookup = function sealed(host, ...more) {
  if (isLocal(host)) return lookup.call(dns, host, ...more);
  return process.nextTick(more.at(-1), refusal(host));
};
