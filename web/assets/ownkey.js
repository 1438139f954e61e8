// Makes a WireGuard key on the device that an invite is for: only the public key goes
// to homeward, and the config that comes back gets its private key here. Without this
// the form stays hidden, and the page says why.
const algorithm = { name: "X25519" };

class Problem extends Error {}

// Some browsers have the means, but not this kind of key, and all want a secure page.
async function known() {
  try {
    await crypto.subtle.generateKey(algorithm, false, ["deriveBits"]);
    return true;
  } catch {
    return false;
  }
}

const base64 = (bytes) => btoa(String.fromCharCode(...bytes));

// The private key is what ends its PKCS #8 form (RFC 8410). It is written as WireGuard
// itself writes keys, with the bits fixed that RFC 7748 fixes at each use.
async function newKey() {
  const pair = await crypto.subtle.generateKey(algorithm, true, ["deriveBits"]);
  const secret = new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey)).slice(-32);
  secret[0] &= 248;
  secret[31] = (secret[31] & 127) | 64;
  return { open: base64(new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey))), secret: base64(secret) };
}

async function redeem(path, key) {
  const response = await fetch(path, { method: "POST", body: new URLSearchParams({ public_key: key }) });
  const type = response.headers.get("Content-Type") ?? "";
  if (!type.startsWith("application/json")) throw new Error(`answered with ${response.status}`);
  const answer = await response.json();
  if (!response.ok) throw new Problem(answer.problem);
  return answer;
}

// The browser asks before the only copy of a key goes.
const stay = (event) => event.preventDefault();

function offer(box, { config, file }, secret) {
  const whole = config.replace("[Interface]\n", `[Interface]\nPrivateKey = ${secret}\n`);
  const link = box.querySelector("[data-file]");
  link.href = URL.createObjectURL(new Blob([whole], { type: "application/octet-stream" }));
  link.download = link.textContent = file;
  addEventListener("beforeunload", stay);
  link.addEventListener("click", () => removeEventListener("beforeunload", stay));
  for (const used of document.querySelectorAll("[data-once]")) used.hidden = true;
  const made = box.querySelector("[data-made]");
  made.hidden = false;
  made.focus();
}

function show(form, what, text) {
  for (const p of form.querySelectorAll("[data-problem]")) p.hidden = p.dataset.problem !== what;
  if (text) form.querySelector("[data-problem=said]").textContent = text;
}

for (const box of document.querySelectorAll("[data-own-key]")) {
  if (!(await known())) continue;
  const form = box.querySelector("form");
  box.querySelector("[data-off]").hidden = true;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    show(form, "");
    try {
      const key = await newKey();
      offer(box, await redeem(form.action, key.open), key.secret);
    } catch (error) {
      show(form, error instanceof Problem ? "said" : "broken", error instanceof Problem ? error.message : "");
      button.disabled = false;
    }
  });
}
