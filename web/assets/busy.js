// Shows on the pressed button that work is under way, when the next page is not there
// after a second. Without it the browser's own sign is all there is, and forms work.
const told = () => document.querySelector("[data-busy]"); // read aloud when it changes
const patience = 1000, most = 300_000; // ms; nobody hears of a next page that never comes
const atWork = new Map(); // the forms that were sent, each with what ends that

function show(button) {
  if (!button) return () => {};
  const before = [...button.childNodes];
  // Not disabled, which would take the focus away.
  button.setAttribute("aria-disabled", "true");
  button.replaceChildren(told().dataset.busy);
  told().textContent = told().dataset.busy;
  return () => {
    button.removeAttribute("aria-disabled");
    button.replaceChildren(...before);
    told().textContent = "";
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

// The answer to a form takes the place of this page.
function become(page) {
  const next = new DOMParser().parseFromString(page, "text/html");
  document.getElementById("main").replaceWith(next.getElementById("main"));
  document.title = next.title;
  document.querySelector("[autofocus]")?.focus(); // the field that something is wrong with
}

// A browser that saves a file tells nobody when it came, so the file is fetched here.
// Whatever else is answered is a page, and shown: sent once more, the form would be
// judged, and what it asks for made, a second time.
async function takeFile(form) {
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    const name = /^attachment;.*filename="?([^";]+)/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1];
    if (name) save(await answer.blob(), name);
    else if (answer.redirected) return location.assign(answer.url); // to the login
    else become(await answer.text());
  } catch {
    return form.submit(); // nobody answered, or not to the end: the browser says so
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
