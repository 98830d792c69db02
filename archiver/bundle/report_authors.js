// What stands in the page of authors' proofs: objects of the fediverse, events of Nostr, and which check is for what.
authors.over = (leaves, answers) => {
  const {
    Unchecked, MOST, refuse, hex, unhex, number, joined, sha256, list, object, json, text, bytesOf, base58, signer, didKey,
    schnorr, uncbor, repository, plc,
  } = authors;
  const encoder = new TextEncoder(), byUid = new Map(leaves.map(leaf => [leaf.uid, leaf]));
  const keys = new Map(), read = new Map(), files = new Map();
  const hashed = async said => hex(await sha256(encoder.encode(said)));

  // ---- the bytes of captures: whichever decoding gives the hash that the leaf names ---------------------------
  async function unpacked(data, form) {
    const parts = [], reader = new Blob([data]).stream().pipeThrough(new DecompressionStream(form)).getReader();
    try {
      for (let size = 0, next = await reader.read(); !next.done; next = await reader.read()) {
        if ((size += next.value.length) > MOST) { reader.cancel(); return null; }
        parts.push(next.value);
      }
    } catch { return null; }
    return joined(...parts);
  }
  async function entity(leaf) {
    const coded = answers.get(leaf.uid), { body_sha256: body, entity_sha256: whole } = leaf.response;
    if (coded === undefined) throw new Unchecked("its answer is not in this page: run verify.py");
    const data = Uint8Array.from(atob(coded), c => c.charCodeAt(0));
    if (hex(await sha256(data)) !== body) refuse("its answer was changed");
    if (body === whole) return data;
    for (const form of ["gzip", "deflate", "deflate-raw"]) {
      const found = await unpacked(data, form);
      if (found && hex(await sha256(found)) === whole) return found;
    }
    throw new Unchecked("its answer is packed in a way that this browser does not read: run verify.py");
  }
  const answer = leaf => {
    if (!read.has(leaf)) read.set(leaf, entity(leaf));
    return read.get(leaf);
  };
  const about = (ref, ...routes) => leaves.filter(
    leaf => leaf.ref === ref && routes.includes(leaf.route) && leaf.response && leaf.response.status === 200);
  const given = leaf => {
    const facts = JSON.parse(leaf.request.meaning).given || [];
    return new Map(facts);
  };

  // ---- signed JSON ------------------------------------------------------------------------------------------
  const jcs = value => {  // RFC 8785
    if (typeof value === "string") return bytesOf(value) && JSON.stringify(value);
    if (typeof value === "number") {
      if (!Number.isFinite(value)) refuse("no canonical form: not a finite number");
      if (Number.isInteger(value) && !Number.isSafeInteger(value)) throw new Unchecked("a number above 2^53");
    }
    if (Array.isArray(value)) return `[${value.map(jcs).join(",")}]`;
    if (!object(value)) return JSON.stringify(value);
    return `{${Object.keys(value).sort().map(name => `${jcs(name)}:${jcs(value[name])}`).join(",")}}`;
  };
  const idOf = value => { const id = object(value) ? value.id : value; return typeof id === "string" ? id : ""; };
  async function ed25519(key, message, signature) {
    const p = 2n ** 255n - 19n, y = number(key.slice().reverse()) & 2n ** 255n - 1n;
    const eight = number(unhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05").reverse());
    if (key.length !== 32 || y >= p || [0n, 1n, p - 1n, eight, p - eight].includes(y)) {
      refuse("the signature does not fit the document: anybody can sign for its key");
    }
    let usable;
    try { usable = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]); }
    catch (error) { throw new Unchecked(`this browser has no Ed25519 (${error.name}): run verify.py`); }
    return crypto.subtle.verify("Ed25519", usable, signature, message);
  }
  function author(value, name) {
    const people = list(value[name]);
    const chosen = people.length > 1 ? people.filter(one => object(one) && list(one.type).includes("Person")) : people;
    return chosen.length === 1 ? idOf(chosen[0]) : "";
  }
  async function signedObject(value, actor, ref) {
    const proof = object(value) && value.proof;
    if (!object(proof)) refuse("more than one proof, or none that is an object");
    const { proofValue, ...options } = proof, { proof: _, ...unsecured } = value, method = options.verificationMethod;
    const wanted = { type: "DataIntegrityProof", cryptosuite: "eddsa-jcs-2022", proofPurpose: "assertionMethod" };
    for (const name in wanted) if (options[name] !== wanted[name]) refuse(`${name} is not ${wanted[name]}`);
    if (typeof proofValue !== "string" || typeof method !== "string") {
      refuse("proofValue or verificationMethod is not a string");
    }
    const created = list(value.type).includes("Create"), owner = method.split("#")[0];
    if (owner !== author(value, created ? "actor" : "attributedTo")) refuse("the key is not the author's");
    if ("@context" in options) {
      const context = list(options["@context"]);
      if (jcs(list(unsecured["@context"] ?? null).slice(0, context.length)) !== jcs(context)) {
        refuse("the proof's @context is not the document's");
      }
      unsecured["@context"] = options["@context"];
    }
    if (idOf(actor) !== owner) refuse("the document is not the key owner's");
    const held = list(actor.assertionMethod).find(one => object(one) && one.id === method);
    if (!held) refuse(`the actor lists no key ${method}`);
    if (![owner, null, undefined].includes(held.controller)) refuse("the key is controlled by another");
    const key = base58(held.publicKeyMultibase);
    if (key[0] !== 0xed || key[1] !== 1) refuse("the key is not Ed25519");
    const post = idOf(created ? value.object : value);
    if (ref !== `fediverse:post:${post}`) refuse(`what was signed is ${post}`);
    const message = joined(...await Promise.all([options, unsecured].map(one => sha256(encoder.encode(jcs(one))))));
    if (!await ed25519(key.slice(2), message, base58(proofValue))) refuse("the signature does not fit the document");
    return method;
  }
  const SHORT = { "\n": "n", "\"": "\"", "\\": "\\", "\r": "r", "\t": "t", "\b": "b", "\f": "f" };
  const nip01 = value => {
    if (Array.isArray(value)) return `[${value.map(nip01).join(",")}]`;
    return typeof value === "string" ? `"${value.replace(/[\n"\\\r\t\b\f]/g, one => "\\" + SHORT[one])}"` : String(value);
  };
  async function event(value, ref) {
    if (!object(value)) refuse("no event stands there");
    for (const [name, size] of [["id", 64], ["pubkey", 64], ["sig", 128]]) {
      if (typeof value[name] !== "string" || value[name].length !== size || !/^[0-9a-f]+$/.test(value[name])) {
        refuse("id, pubkey or sig is not lower-case hexadecimal of its length");
      }
    }
    const { id, pubkey, created_at: at, kind, tags, content } = value;
    const tagged = Array.isArray(tags) && tags.every(tag => Array.isArray(tag) && tag.every(one => typeof one === "string"));
    if (!tagged || typeof content !== "string" || !Number.isSafeInteger(at)) {
      refuse("created_at, tags or content is not what an event has");
    }
    if (!Number.isInteger(kind) || kind < 0 || kind > 65535) refuse("kind is not a number up to 65535");
    const fields = [0, pubkey, at, kind, tags, content];
    bytesOf(nip01(fields));
    if (![await hashed(nip01(fields)), await hashed(JSON.stringify(fields))].includes(id)) {
      refuse("the id is not the hash of the event");
    }
    const [, what, wanted] = /^nostr:([^:]*):(.*)$/s.exec(ref) || [];
    if ({ note: id, profile: pubkey }[what] !== wanted) refuse(`what was signed is ${id} by ${pubkey}`);
    if (!await schnorr(unhex(pubkey), unhex(id), unhex(value.sig))) refuse("the signature does not fit the event");
    return value;
  }

  // ---- the keys of an account, and the kinds of proofs ------------------------------------------------------
  async function keysIn(leaf, did) {
    const value = json(await answer(leaf));
    if (leaf.route === "plc-log") {
      const branch = await plc(value, did);
      const first = branch.filter((one, n) => one.key && (!n || branch[n - 1].key !== one.key));
      return first.map(one => {
        const after = branch.slice(branch.indexOf(one)).find(later => later.key !== one.key);
        const how = `the account’s log names it since ${one.told}${after ? ` until ${after.told}` : ""}`;
        return { name: didKey(one.key).name, rank: after ? 2 : 0, how };
      });
    }
    const own = ["#atproto", `${did}#atproto`], methods = value.id === did ? list(value.verificationMethod) : [];
    const method = methods.find(one => object(one) && own.includes(one.id));
    if (!method) return [];
    const how = `the DID document that ${leaf.request.url} gave names it`;
    return [{ name: signer(method.type, method.publicKeyMultibase).name, rank: 1, how }];
  }
  async function known(did) {
    const found = { "plc-log": [], did: [] };
    for (const leaf of about(`bluesky:account:${did}`, "plc-log", "did")) {
      try { found[leaf.route].push([BigInt(leaf.seq), await keysIn(leaf, did)]); } catch { continue; }  // told elsewhere
    }
    const held = found["plc-log"].length ? found["plc-log"] : found.did;  // beside a log, a document adds no key
    return held.sort((a, b) => a[0] < b[0] ? -1 : 1);
  }
  const keysAt = (held, place) => {  // as captured last before, or else first after
    const before = held.filter(one => one[0] < place);
    return before.length ? before[before.length - 1][1] : held.length ? held[0][1] : [];
  };
  async function record(ref, leaf, absent) {
    const uri = ref.split(":").slice(2).join(":"), facts = given(leaf);
    const [, did, name] = /^at:\/\/([^/]*)\/(.*)$/s.exec(uri) || [];
    if (!did || leaf.ref !== ref) refuse("its capture is about something else");
    if (!facts.get("key")) throw new Unchecked("no signing key was known when it was captured");
    const key = signer(facts.get("key-type"), facts.get("key"));
    const found = await repository(await answer(leaf), did, name, key);
    if (!keys.has(did)) keys.set(did, known(did));
    const then = keysAt(await keys.get(did), BigInt(leaf.seq));
    const [best] = then.filter(one => one.name === key.name).sort((a, b) => a.rank - b.rank);
    const what = found.cid ? `holds the record ${found.cid}` : "holds no record of this name";
    const commit = `the key ${facts.get("key")} signed commit ${found.commit}`;
    if (!best) throw new Unchecked(`${commit}, but no log and no document of the account in this page names this key`);
    if (best.rank > 1) throw new Unchecked(`${commit}, but ${best.how}: not when the log was captured`);
    if (!found.cid !== absent) refuse(`${commit}, whose tree ${what}`);
    let words = null;
    if (found.record) try { words = uncbor(found.record).get("text"); } catch { words = null; }
    words = typeof words === "string" ? words.replace(/\0/g, "\ufffd") : null;
    return { told: `${commit}, whose tree ${what}; ${best.how}`, words };
  }
  const lines = data => {  // a document of JSON, or lines of it; a line that is none is null
    try { return json(data); } catch { /* lines, then */ }
    return text(data).split("\n").filter(line => line.trim()).map(line => {
      try { return json(encoder.encode(line)); } catch { return null; }
    });
  };
  const checks = {
    "atproto-record": (ref, leaf) => record(ref, leaf, false),
    "atproto-absence": (ref, leaf) => record(ref, leaf, true),
    async "plc-log"(ref, leaf) {
      const branch = await plc(json(await answer(leaf)), ref.split(":").slice(2).join(":"));
      const facts = given(leaf), last = branch[branch.length - 1], key = facts.get("key");
      if (key && (!last.key || signer(facts.get("key-type"), key).name !== didKey(last.key).name)) {
        refuse("the DID document named another signing key than the log");
      }
      if (facts.get("pds") && facts.get("pds").toLowerCase() !== last.host.replace(/\/+$/, "").toLowerCase()) {
        refuse("the DID document named another host than the log");
      }
      const now = last.key ? `its key is ${last.key}` : "it ends with a tombstone";
      const many = branch.length > 1 ? "operations lead" : "operation leads";
      return { told: `${branch.length} signed ${many} from the DID of ${branch[0].told} to its present state; ${now}` };
    },
    async "fep-8b32"(ref, leaf) {
      if (leaf.route !== "actor") throw new Unchecked("its author’s key was not captured, or cannot be checked");
      const actor = json(await answer(leaf)), faults = [];
      for (const other of about(leaf.ref, "object", "object-signed")) {
        try {
          return { told: `${await signedObject(json(await answer(other)), actor, ref)} signed the object` };
        } catch (error) { faults.push(error); }
      }
      const missing = new Unchecked("the object that was signed is not in this page: run verify.py");
      throw faults.find(one => !(one instanceof Unchecked)) || missing;
    },
    async "nostr-event"(ref, leaf, pointer) {
      const opened = value => typeof value === "string" ? json(encoder.encode(value)) : value;
      if (!files.has(leaf)) files.set(leaf, lines(await answer(leaf)));
      let value = files.get(leaf);
      for (const step of pointer.split("/").slice(1)) {
        const name = step.replace(/~1/g, "/").replace(/~0/g, "~"), from = opened(value);
        value = from !== null && typeof from === "object" && Object.hasOwn(from, name) ? from[name] : null;
      }
      const { id, pubkey, created_at: at, kind, content } = await event(opened(value), ref);
      const told = `the key ${pubkey} signed the event ${id} of kind ${kind}, which says that it was made at Unix time ${at}`;
      return { told, words: kind === 1 ? content.replace(/\0/g, "\ufffd") : null };
    },
  };

  /** What is found of one proof that the archive calls valid ("1"), refused ("0") or not checked (""). */
  return async ({ kind, ref, capture, pointer, valid }) => {
    const leaf = byUid.get(capture);
    try {
      if (!checks[kind]) throw new Unchecked("no check of this kind is known here");
      if (!leaf) throw new Unchecked("its capture is not among the leaves in this page: run verify.py");
      const { told, words } = await checks[kind](ref, leaf, pointer);
      if (valid === "0") return { state: "wrong", told: `holds, though it is told to be refused: ${told}` };
      return { state: "held", told, words };
    } catch (error) {
      if (error instanceof Unchecked) return { state: "unchecked", told: error.message };
      return { state: { 1: "wrong", 0: "held" }[valid] || "unchecked", told: `REFUSED: ${error.message}` };
    }
  };
};
