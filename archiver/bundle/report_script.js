"use strict";
// Checks this page against its own data: hashes, Merkle paths (RFC 9162), the log's signature (Ed25519, C2SP notes),
// and what authors signed (above).
// It reads nothing but this page and sends nothing.
(async () => {
  const results = [], encoder = new TextEncoder(), subtle = globalThis.crypto && crypto.subtle;
  const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
  const hex = data => Array.from(data, b => b.toString(16).padStart(2, "0")).join("");
  const equal = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);
  const joined = (...parts) => {
    const all = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
    let at = 0;
    for (const part of parts) { all.set(part, at); at += part.length; }
    return all;
  };
  const sha256 = async data => new Uint8Array(await subtle.digest("SHA-256", data));
  const counted = (count, one, many) => `${count} ${count === 1 ? one : many}`;
  const say = (state, what) => results.push([state, what]);
  const data = kind => Array.from(document.querySelectorAll("script." + kind), one => JSON.parse(one.textContent));
  const mark = (place, state, what) => { if (place) { place.textContent = what; place.dataset.state = state; } };

  function show() {
    const count = state => results.filter(one => one[0] === state).length;
    const state = count("wrong") ? "wrong" : count("unchecked") || !count("held") ? "unchecked" : "held";
    const list = document.getElementById("found");
    for (const [kind, what] of results) {
      const item = document.createElement("li");
      item.dataset.state = kind;
      item.textContent = (kind === "wrong" ? "WRONG: " : kind === "held" ? "Held: " : "Not checked: ") + what;
      list.append(item);
    }
    document.getElementById("result").textContent = {
      held: "What this page can check of itself held.",
      unchecked: "Nothing was found to be wrong, but not everything could be checked.",
      wrong: "This page is not what was logged. See what is wrong:",
    }[state];
    document.getElementById("checks").dataset.state = state;
    document.title = (state === "wrong" ? "WRONG: " : "") + document.title;
  }

  async function inclusion(leaf, index, size, path, root) {
    let first = BigInt(index), last = BigInt(size) - 1n, value = await sha256(joined(Uint8Array.of(0), leaf));
    if (first < 0n || first > last) return false;
    for (const sibling of path) {
      if (last === 0n) return false;
      if (first & 1n || first === last) {
        value = await sha256(joined(Uint8Array.of(1), sibling, value));
        while (first && !(first & 1n)) { first >>= 1n; last >>= 1n; }
      } else value = await sha256(joined(Uint8Array.of(1), value, sibling));
      first >>= 1n; last >>= 1n;
    }
    return last === 0n && equal(value, root);
  }

  async function opened(log) {
    const cut = log.note.lastIndexOf("\n\n"), text = log.note.slice(0, cut + 1), lines = text.split("\n");
    const signatures = log.note.slice(cut + 2).split("\n").filter(line => line);
    if (cut < 0 || lines.length < 4 || !/^(0|[1-9][0-9]*)$/.test(lines[1])) throw Error("no checkpoint");
    const head = { origin: lines[0], size: lines[1], root: bytes(lines[2]) };
    let held = 0;
    for (const vkey of log.vkeys) {
      const [, name, id, coded] = /^(.*?)\+([0-9a-f]{8})\+(.*)$/s.exec(vkey), key = bytes(coded);
      const known = hex((await sha256(joined(encoder.encode(name + "\n"), key))).slice(0, 4));
      if (known !== id) { say("wrong", `the key ${name} has not the id that it is given`); continue; }
      if (key[0] !== 1 || name !== head.origin) continue;
      const own = signatures.map(line => line.split(" ")).filter(one => one[0] === "\u2014" && one[1] === name)
        .map(one => bytes(one[2])).filter(one => hex(one.slice(0, 4)) === id);
      let usable;
      try { usable = await subtle.importKey("raw", key.slice(1), { name: "Ed25519" }, false, ["verify"]); }
      catch (error) { say("unchecked", `the signature of the log: this browser has no Ed25519 (${error.name})`); return head; }
      for (const one of own) {
        if (await subtle.verify("Ed25519", usable, one.slice(4), encoder.encode(text))) held += 1;
        else say("wrong", `the signature of the key ${id} under the checkpoint does not hold`);
      }
    }
    const keys = counted(held, "key", "keys");
    if (held) say("held", `the head of ${head.size} leaves is signed by ${keys} that came with the bundle`);
    else say("wrong", "no key of the log signed the checkpoint");
    return head;
  }

  function shown(place) {
    const copy = place.cloneNode(true);
    for (const one of copy.querySelectorAll(".char")) one.textContent = String.fromCodePoint(parseInt(one.dataset.char, 16));
    return copy.textContent;
  }

  document.getElementById("result").textContent = "The checks are running …";
  try {
    if (!subtle) { say("unchecked", "this browser offers no WebCrypto to this page"); show(); return; }
    const log = data("log")[0];
    if (!log) { say("unchecked", "the proofs are not in this page"); show(); return; }
    const head = await opened(log);
    const keys = Array.from(document.querySelectorAll(".key"), shown);
    if (shown(document.getElementById("root")) !== hex(head.root) || shown(document.getElementById("origin")) !== head.origin
      || keys.join("\n") !== log.vkeys.join("\n")) say("wrong", "the log, root and keys that are shown are not those that were checked");
    const leaves = new Map(), named = new Set();
    let bad = 0;
    for (const one of data("leaf")) {
      const leaf = bytes(one.leaf);
      if (await inclusion(leaf, one.index, head.size, one.path.map(bytes), head.root)) {
        const said = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(leaf));
        leaves.set(String(one.index), said);
        for (const hash of [said.response && said.response.body_sha256, said.type === "derived" && said.sha256]) {
          if (hash) named.add(hash);
        }
      } else { bad += 1; say("wrong", `leaf ${one.index} does not stand in the log`); }
    }
    if (log.leaves !== leaves.size + bad) say("wrong", `${log.leaves} leaves should be in this page, ${leaves.size + bad} are`);
    if (leaves.size) say("held", `${counted(leaves.size, "leaf stands", "leaves stand")} in the log where proofs say`);

    let right = 0, missing = 0;
    for (const capture of document.querySelectorAll(".capture")) {
      const leaf = leaves.get(capture.dataset.leaf), place = capture.querySelector(".check");
      if (!leaf) { missing += 1; mark(place, "unchecked", "its leaf is not in this page"); continue; }
      const differing = Array.from(capture.querySelectorAll("[data-path]")).filter(field => {
        const logged = field.dataset.path.split(".").reduce((value, step) => value && value[step], leaf);
        return String(logged ?? "") !== shown(field);
      });
      if (differing.length || leaf.seq !== capture.dataset.leaf) {
        const what = differing.map(field => field.dataset.path).join(", ");
        say("wrong", `the capture at leaf ${capture.dataset.leaf} is shown otherwise than it was logged: ${what}`);
        mark(place, "wrong", "not as logged");
      } else { right += 1; mark(place, "held", "as logged"); }
    }
    if (right) say("held", `${counted(right, "capture is", "captures are")} shown as logged`);
    if (missing) say("unchecked", `${counted(missing, "capture", "captures")}, for want of a leaf in this page`);

    const check = authors.over([...leaves.values()], new Map(data("answer").map(one => [one.uid, one.body])));
    const counts = { held: 0, unchecked: 0 };
    for (const line of document.querySelectorAll(".proof")) {
      const post = line.closest("article"), about = Array.from(post.querySelectorAll(".facts .ref"), shown);
      const texts = Array.from(post.querySelectorAll("blockquote.words"), shown), row = line.dataset;
      let { state, told, words } = await check(row);
      if (row.kind !== "plc-log" && !about.includes(row.ref)) {
        [state, told, words] = ["wrong", "it is about something else than this post", null];
      }
      if (state === "held" && words && !texts.includes(words)) {
        [state, told] = ["wrong", "the words that were signed are not among those shown here"];
      }
      if (state === "wrong") say("wrong", `a proof of the author of ${row.ref}: ${told}`);
      else counts[state] += 1;
      const shade = state === "held" && told.startsWith("REFUSED") ? "refused" : state;
      const names = { held: "checked here", refused: "here, too", wrong: "WRONG", unchecked: "not checked here" };
      mark(line.nextElementSibling, shade, `${names[shade]}: ${told}`);
    }
    const { held, unchecked } = counts;
    if (held) say("held", `${counted(held, "proof of an author is as it is", "proofs of authors are as they are")} told`);
    if (unchecked) say("unchecked", `${counted(unchecked, "proof of an author", "proofs of authors")}: run verify.py`);

    let media = 0;
    for (const one of document.querySelectorAll(".held[data-sha256]")) {
      const place = one.closest("figure").querySelector(".check"), wanted = one.dataset.sha256;
      const coded = one.getAttribute("src"), found = hex(await sha256(bytes(coded.slice(coded.indexOf(",") + 1))));
      if (found !== wanted) { say("wrong", `a file has the SHA-256 ${found}, not ${wanted}`); mark(place, "wrong", "other bytes"); }
      else if (!named.has(wanted)) {
        say("unchecked", `no leaf in this page names the file ${wanted}`);
        mark(place, "unchecked", "these bytes; no leaf in this page names them");
      } else { media += 1; mark(place, "held", "these bytes were logged"); }
    }
    if (media) say("held", `${counted(media, "media file has", "media files have")} the SHA-256 that was logged`);
  } catch (error) { say("wrong", `the checks of this page broke off: ${error}`); }
  show();
})();
