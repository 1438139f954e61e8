// Makes and uses passkeys (WebAuthn): asks the page for a question, has the browser
// answer it, and takes the answer back. Without this the forms stay hidden, and the
// page says why.
const known = window.PublicKeyCredential?.parseCreationOptionsFromJSON && navigator.credentials;

class Problem extends Error {}

async function send(path, body) {
  const type = body instanceof URLSearchParams ? "application/x-www-form-urlencoded" : "application/json";
  const response = await fetch(path, { method: "POST", headers: { "Content-Type": type }, body });
  const answer = await response.json();
  if (!response.ok) throw new Problem(answer.problem);
  return answer;
}

async function useKey({ publicKey }) {
  const key = publicKey.user
    ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey) })
    : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey) });
  return JSON.stringify(key.toJSON());
}

function show(form, what, text) {
  for (const p of form.querySelectorAll("[data-problem]")) p.hidden = p.dataset.problem !== what;
  if (text) form.querySelector("[data-problem=said]").textContent = text;
}

// NotAllowedError stands for whatever the browser does not want to tell apart.
function what(error) {
  if (error instanceof Problem) return "said";
  if (error.name === "NotAllowedError" || error.name === "AbortError") return "cancelled";
  return ["SecurityError", "NotSupportedError", "InvalidStateError", "ConstraintError"].includes(error.name) ? "refused" : "broken";
}

for (const box of document.querySelectorAll("[data-passkey]")) {
  const form = box.querySelector("form[data-finish]");
  if (!known) continue;
  box.querySelector("[data-off]").hidden = true;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    show(form, "");
    try {
      const question = await send(form.action, new URLSearchParams(new FormData(form)));
      const { next } = await send(form.dataset.finish, await useKey(question));
      location.assign(next);
    } catch (error) {
      show(form, what(error), error instanceof Problem ? error.message : "");
      button.disabled = false;
    }
  });
}
