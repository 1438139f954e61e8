// Keeps the page up to date. Without it the page is right at the moment it was
// loaded, and everything else works.
const root = document.querySelector("[data-joint], [data-peer], [data-test], [data-log]");
const tested = document.querySelector("[data-test]");

function set(box, name, text) {
  const at = box.querySelector(`[data-of=${name}]`);
  if (at && at.textContent !== text) at.textContent = text;
  return at;
}

function showJoint(j) {
  const box = document.querySelector(`[data-joint="${j.key}"]`);
  if (!box) return;
  box.dataset.state = j.state;
  box.toggleAttribute("data-worst", j.worst);
  set(box, "verdict", j.verdict);
  set(box, "since", j.since);
  set(box, "summary", j.summary);
  const advice = set(box, "advice", j.advice);
  if (advice) advice.hidden = !j.advice;
}

function showPeer(p) {
  const box = document.querySelector(`[data-peer="${p.id}"]`);
  if (!box) return;
  set(box, "seen", p.seen);
  set(box, "traffic", p.traffic);
  set(box, "rate", p.rate);
  const lamp = box.querySelector("[data-of=presence]");
  if (lamp) lamp.dataset.state = p.presence;
}

function showLooking() {
  const looking = document.querySelector("[data-while=looking]");
  if (looking) looking.hidden = !document.querySelector("[data-joint][data-state=unknown]");
}

function showPath(news) {
  for (const p of news.parts) {
    const part = document.querySelector(`[data-part="${p.key}"]`);
    if (part) part.dataset.state = p.state;
  }
  const told = document.querySelector("[data-of=worst]");
  if (!told) return;
  told.dataset.state = news.worst.state;
  set(told.querySelector("[data-of=text]"), "strong", news.worst.text);
  set(told, "cure", news.worst.cure).hidden = !news.worst.cure;
  const button = told.querySelector("[data-of=do]");
  button.hidden = !news.worst.link;
  button.firstChild.href = news.worst.link || "/";
  button.firstChild.textContent = news.worst.label;
}

function showTest(t) {
  const told = tested.querySelector("[data-of=told]");
  told.dataset.state = t.state;
  set(told, "text", t.text);
  const cure = set(told, "cure", t.cure);
  cure.hidden = !t.cure;
  for (const s of t.steps) {
    const box = tested.querySelector(`[data-stage="${s.stage}"]`);
    box.dataset.state = s.state;
    set(box, "verdict", s.verdict);
  }
}

// A list with other devices than the page's is worth a reload, unless somebody
// is typing.
function otherDevices(peers) {
  if (!document.getElementById("devices")) return false;
  const shown = [...document.querySelectorAll("[data-peer]")].map((e) => e.dataset.peer).sort().join();
  return shown !== peers.map((p) => String(p.id)).sort().join() && !document.getElementById("name").value;
}

function show(event) {
  const news = JSON.parse(event.data);
  news.joints.forEach(showJoint);
  news.peers.forEach(showPeer);
  set(document, "reach", news.reach);
  showPath(news);
  showLooking();
  if (tested && news.test) showTest(news.test);
  if (otherDevices(news.peers)) location.reload();
}

// What this page shows: some of the devices of the list, or one.
function wanted() {
  const query = new URLSearchParams(document.getElementById("devices") ? location.search : "");
  const one = document.querySelector("[data-peer]");
  if (one && !document.getElementById("devices")) query.set("peer", one.dataset.peer);
  if (tested) query.set("test", tested.dataset.test);
  return query;
}

// A line of the log on top of those that are there, if the page shows such.
function showRow(row) {
  const list = document.querySelector("[data-log]");
  if (!list) return;
  const { logPeer, logTopic, logBy, logHouse } = list.dataset;
  const house = logHouse !== undefined && row.house;
  if ((logPeer && logPeer !== String(row.peer) && !house) || (logTopic && logTopic !== row.topic) || (logBy && logBy !== row.actor)) return;
  const line = document.createElement("li"), when = document.createElement("time"), text = document.createElement("span");
  line.toggleAttribute("data-bad", Boolean(row.bad));
  when.dateTime = row.time;
  when.textContent = row.when;
  if (row.name && !document.querySelector("[data-peer]")) {
    const name = document.createElement(row.link ? "a" : "b");
    if (row.link) name.href = row.link;
    name.textContent = row.name;
    text.append(name, " · ");
  }
  text.append(row.text);
  line.append(when, text);
  list.prepend(line);
  document.querySelector("[data-log-empty]")?.remove();
}

// A code for the fridge.
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

let source;
function listen() {
  // A page that nobody looks at asks for nothing.
  if (document.hidden) {
    source?.close();
    source = undefined;
  } else if (!source) {
    source = new EventSource(`/live?${wanted()}`);
    source.onmessage = show;
    source.addEventListener("log", (event) => JSON.parse(event.data).forEach(showRow));
  }
}

if (root) {
  document.addEventListener("visibilitychange", listen);
  listen();
}
