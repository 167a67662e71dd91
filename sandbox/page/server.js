// Requests to the sandbox. Errors carry the text that the sandbox gives for people.

class PageError extends Error {
  constructor(status, message) { super(message); this.status = status; }
}

export async function api(method, path, body) {
  let response;
  try {
    const form = body instanceof FormData;
    response = await fetch(path, { method, headers: body && !form ? { 'content-type': 'application/json' } : {}, body: form ? body : body ? JSON.stringify(body) : undefined });
  } catch { throw new PageError(0, 'The sandbox cannot be reached.'); }
  const text = await response.text();
  let data = null;
  try { data = text ? JSON.parse(text) : null; } catch { /* An error page of something that is not the sandbox. */ }
  if (response.status === 413) throw new PageError(413, 'These files are too large: 25 MB go with one message.');
  if (!response.ok) throw new PageError(response.status, data?.message ?? `${response.status} ${response.statusText}`);
  return data;
}
