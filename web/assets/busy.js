// Shows on the pressed button that work is under way, when the next page is not there
// after a second. Without it the browser's own sign is all there is, and forms work.
const told = document.querySelector("[data-busy]"); // read aloud when it changes
const patience = 1000, most = 300_000; // ms; nobody hears of a next page that never comes
const atWork = new Map(); // the forms that were sent, each with what ends that

function show(button) {
  if (!button) return () => {};
  const before = [...button.childNodes];
  // Not disabled, which would take the focus away.
  button.setAttribute("aria-disabled", "true");
  button.replaceChildren(told.dataset.busy);
  told.textContent = told.dataset.busy;
  return () => {
    button.removeAttribute("aria-disabled");
    button.replaceChildren(...before);
    told.textContent = "";
  };
}

function begin(form, button) {
  let hide = () => {};
  const soon = setTimeout(() => { hide = show(button); }, patience);
  const end = () => {
    clearTimeout(soon);
    clearTimeout(late);
    hide();
    atWork.delete(form);
  };
  const late = setTimeout(end, most);
  atWork.set(form, end);
}

function endAll() {
  for (const end of atWork.values()) end();
}

function save(file, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), most);
}

// A browser that saves a file tells nobody when it came, so the file is fetched here.
// Whatever else is answered is a page, which the form gets when it is sent as ever.
async function takeFile(form) {
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    const [, name] = /^attachment;.*filename="?([^";]+)/.exec(answer.headers.get("Content-Disposition"));
    save(await answer.blob(), name);
  } catch {
    return form.submit();
  }
  atWork.get(form)?.();
}

addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (atWork.has(form)) return event.preventDefault(); // pressed again
  const file = form.hasAttribute("data-file");
  if (file) event.preventDefault();
  begin(form, event.submitter ?? form.querySelector("button"));
  if (file) takeFile(form);
});

// Back from another page, or thought better of.
addEventListener("pageshow", (event) => { if (event.persisted) endAll(); });
addEventListener("keydown", (event) => { if (event.key === "Escape") endAll(); });
