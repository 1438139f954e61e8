// Knocks at the house's UDP port and shows whether it answered. The page was loaded at
// home and needs nothing of the box afterwards but that answer: a browser looks for
// another one (WebRTC) where the only place to look is our port, which answers as the
// other one would. Nothing more comes of it; no connection is made.
const box = document.querySelector("[data-knock]");
const { user, word, calls, seconds } = box.dataset;
const end = Date.now() + seconds * 1000;
const patience = 6000; // for one try: the network may change at any moment

function show(what, at = "") {
  for (const p of box.querySelectorAll("[data-shown]")) p.hidden = p.dataset.shown !== what;
  box.querySelector("[data-of=at]").textContent = at;
}

// What the other browser would have answered. The fingerprint is of no certificate,
// since nobody gets so far as to ask for one.
function answerTo(offer) {
  const mid = /^a=mid:(\S+)/m.exec(offer)[1];
  const candidates = calls.split(" ").map((call, i) => {
    const [, address, port] = /^\[?([^\]]*?)\]?:(\d+)$/.exec(call);
    return `a=candidate:${i + 1} 1 udp ${2130706431 - i} ${address} ${port} typ host`;
  });
  return [
    "v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=ice-lite", `a=group:BUNDLE ${mid}`,
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0", `a=mid:${mid}`,
    `a=ice-ufrag:${user}`, `a=ice-pwd:${word}`, `a=fingerprint:sha-256 ${Array(32).fill("00").join(":")}`,
    "a=setup:active", "a=sctp-port:5000", ...candidates, "a=end-of-candidates", "",
  ].join("\r\n");
}

// Where the answer came from, if the browser tells.
async function answeredAt(connection) {
  const stats = await connection.getStats();
  for (const pair of stats.values()) {
    if (pair.type !== "candidate-pair" || pair.state !== "succeeded") continue;
    const there = stats.get(pair.remoteCandidateId);
    if (there) return `${there.address ?? ""}`;
  }
  return "";
}

// One try: true, with where, once the port has answered with the secret's signature.
function tryOnce() {
  return new Promise((resolve) => {
    const connection = new RTCPeerConnection({ iceServers: [] });
    const done = (answered, at) => {
      clearTimeout(timer);
      connection.close();
      resolve([answered, at]);
    };
    const timer = setTimeout(done, patience, false);
    connection.addEventListener("iceconnectionstatechange", async () => {
      const state = connection.iceConnectionState;
      if (state === "connected" || state === "completed") done(true, await answeredAt(connection).catch(() => ""));
    });
    connection.createDataChannel("knock");
    connection.createOffer()
      .then((offer) => connection.setLocalDescription(offer))
      .then(() => connection.setRemoteDescription({ type: "answer", sdp: answerTo(connection.localDescription.sdp) }))
      .catch((err) => console.warn("knocking:", err)); // the next try may do better
  });
}

async function knock() {
  if (!window.RTCPeerConnection) return show("unable");
  show("waiting");
  while (Date.now() < end) {
    const [answered, at] = await tryOnce();
    if (answered) return show("works", at);
  }
  show("over");
}

knock();
