"use strict";
// Checks what authors signed: repositories of the AT Protocol with the log of their DID, objects of the fediverse
// (FEP-8b32), events of Nostr. The same rules as verify.py, part by part. It verifies only and holds no secret, so the
// arithmetic need not take constant time.
const authors = (() => {
  const encoder = new TextEncoder(), strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const MOST = 32 << 20, DEEP = 100, WINDOW = 72 * 3600 * 1000;
  class Refused extends Error {}
  class Unchecked extends Error {}
  const refuse = why => { throw new Refused(why); };
  const hex = data => Array.from(data, b => b.toString(16).padStart(2, "0")).join("");
  const unhex = text => Uint8Array.from(text.match(/../g) || [], two => parseInt(two, 16));
  const number = data => BigInt("0x" + (hex(data) || "0"));
  const same = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);
  const joined = (...parts) => {
    const all = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
    parts.reduce((at, part) => { all.set(part, at); return at + part.length; }, 0);
    return all;
  };
  const sha256 = async data => new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  const list = value => Array.isArray(value) ? value : [value];
  const object = value => value !== null && typeof value === "object" && !Array.isArray(value);
  const text = data => { try { return strict.decode(data); } catch { return refuse("not UTF-8"); } };
  const bytesOf = said => /[\ud800-\udfff]/u.test(said) ? refuse("half a character") : encoder.encode(said);
  const json = data => {
    const said = text(data);
    try { return JSON.parse(said.startsWith("\ufeff") ? said.slice(1) : said); } catch { return refuse("not JSON"); }
  };

  // ---- curves: P-256, secp256k1 -----------------------------------------------------------------------------
  const K1 = {
    code: [0xe7, 1], p: 2n ** 256n - 2n ** 32n - 977n, a: 0n, b: 7n,
    n: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n,
    g: [0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n,
      0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n],
  };
  const R1 = {
    code: [0x80, 0x24], p: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n, a: -3n,
    b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
    n: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
    g: [0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
      0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n],
  };
  const mod = (x, p) => { const r = x % p; return r < 0n ? r + p : r; };
  const pow = (base, power, p) => {
    let held = 1n;
    for (base = mod(base, p); power; power >>= 1n, base = base * base % p) if (power & 1n) held = held * base % p;
    return held;
  };
  const doubled = (c, [x, y, z]) => {
    const yy = y * y % c.p, s = 4n * x * yy % c.p, m = mod(3n * x * x + c.a * pow(z, 4n, c.p), c.p);
    const nx = mod(m * m - 2n * s, c.p);
    return [nx, mod(m * (s - nx) - 8n * yy * yy, c.p), 2n * y * z % c.p];
  };
  const summed = (c, one, two) => {
    if (!one[2] || !two[2]) return one[2] ? one : two;
    const first = one[2] * one[2], second = two[2] * two[2];
    const u = one[0] * second % c.p, s = one[1] * two[2] * second % c.p;
    const h = mod(two[0] * first - u, c.p), r = mod(two[1] * one[2] * first - s, c.p);
    if (!h) return r ? [1n, 1n, 0n] : doubled(c, one);
    const hh = h * h % c.p, hhh = h * hh % c.p, v = u * hh % c.p, x = mod(r * r - hhh - 2n * v, c.p);
    return [x, mod(r * (v - x) - s * hhh, c.p), h * one[2] * two[2] % c.p];
  };
  const combined = (c, a, b, point) => {  // a times the base point, b times another
    const base = [...c.g, 1n], other = [...point, 1n], steps = [[1n, 1n, 0n], base, other, summed(c, base, other)];
    let held = steps[0];
    for (let bit = 255n; bit >= 0n; bit--) {
      held = summed(c, doubled(c, held), steps[Number((a >> bit & 1n) + 2n * (b >> bit & 1n))]);
    }
    if (!held[2]) return null;
    const inverse = pow(held[2], c.p - 2n, c.p);
    return [held[0] * inverse ** 2n % c.p, held[1] * inverse ** 3n % c.p];
  };
  const lifted = (c, x, odd) => {
    const square = mod(x ** 3n + c.a * x + c.b, c.p), y = pow(square, (c.p + 1n) / 4n, c.p);
    if (x >= c.p || y * y % c.p !== square) refuse("the key is not a point of its curve");
    return [x, (y & 1n) === odd ? y : c.p - y];
  };
  const LETTERS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  const base58 = said => {
    if (typeof said !== "string" || !/^z[1-9A-HJ-NP-Za-km-z]{1,199}$/.test(said)) refuse("not base58 multibase");
    let value = 0n;
    for (const letter of said.slice(1)) value = value * 58n + BigInt(LETTERS.indexOf(letter));
    const digits = value ? value.toString(16) : "";
    return joined(new Uint8Array(/^z(1*)/.exec(said)[1].length), unhex(digits.length % 2 ? "0" + digits : digits));
  };
  const signer = (kind, said) => {
    const raw = base58(said), old = { EcdsaSecp256k1VerificationKey2019: K1, EcdsaSecp256r1VerificationKey2019: R1 };
    const multi = kind === "Multikey", point = multi ? raw.slice(2) : raw;
    const c = multi ? [K1, R1].find(one => same(one.code, raw.slice(0, 2)) && raw.length === 35) : old[kind];
    if (!c || !(point.length === 33 && (point[0] | 1) === 3) && !(!multi && point.length === 65 && point[0] === 4)) {
      refuse("a key of a kind that is not known");
    }
    const y = point.length === 65 ? number(point.slice(33)) : BigInt(point[0]);
    const found = lifted(c, number(point.slice(1, 33)), y & 1n);
    if (point.length === 65 && found[1] !== y) refuse("the key is not a point of its curve");
    return { c, point: found, name: `${c === K1 ? "secp256k1" : "P-256"} ${found[0].toString(16)} ${found[1] & 1n}` };
  };
  const didKey = said => /^did:key:/.test(said) ? signer("Multikey", said.slice(8)) : refuse("not a did:key");
  const verify = async (key, message, signature) => {
    const { n } = key.c, r = number(signature.slice(0, 32)), s = number(signature.slice(32));
    if (signature.length !== 64) refuse(`the signature has ${signature.length} bytes, not 64`);
    if (s > n / 2n) refuse("high-S signature");
    if (!r || r >= n || !s) refuse("the signature does not verify");
    const inverse = pow(s, n - 2n, n), digest = number(await sha256(message));
    const found = combined(key.c, digest * inverse % n, r * inverse % n, key.point);
    if (!found || found[0] % n !== r) refuse("the signature does not verify");
  };
  const schnorr = async (key, message, signature) => {  // BIP-340
    const point = lifted(K1, number(key), 0n), r = number(signature.slice(0, 32)), s = number(signature.slice(32));
    const tag = await sha256(encoder.encode("BIP0340/challenge"));
    const e = number(await sha256(joined(tag, tag, signature.slice(0, 32), key, message))) % K1.n;
    if (r >= K1.p || s >= K1.n) return false;
    const found = combined(K1, s, mod(-e, K1.n), point);
    return found !== null && !(found[1] & 1n) && found[0] === r;
  };

  // ---- DAG-CBOR, CIDs, CAR ----------------------------------------------------------------------------------
  class Cid { constructor(bytes) { this.bytes = bytes; this.key = hex(bytes); } }
  class Fraction { constructor(bytes) { this.bytes = bytes; } }
  const base32 = data => {
    const digits = "abcdefghijklmnopqrstuvwxyz234567";
    const bits = Array.from(data, b => b.toString(2).padStart(8, "0")).join("");
    return (bits.match(/.{1,5}/g) || []).map(five => digits[parseInt(five.padEnd(5, "0"), 2)]).join("");
  };
  const cidFrom = bytes => bytes.length === 36 && /^01(71|55)1220/.test(hex(bytes.slice(0, 4)))
    ? new Cid(bytes) : refuse("not a CIDv1 with SHA-256");
  const cidOf = async block => new Cid(joined([1, 0x71, 0x12, 0x20], await sha256(block)));
  const cidText = cid => "b" + base32(cid.bytes);
  const head = (major, size) => {
    if (size < 24n) return Uint8Array.of(major << 5 | Number(size));
    const step = [8n, 16n, 32n, 64n].findIndex(bits => size < 1n << bits);
    return joined([major << 5 | 24 + step], unhex(size.toString(16).padStart(2 << step, "0")));
  };
  const cbor = value => {
    if (value === null) return Uint8Array.of(0xf6);
    if (typeof value === "boolean") return Uint8Array.of(value ? 0xf5 : 0xf4);
    if (typeof value === "bigint") return value < 0n ? head(1, -1n - value) : head(0, value);
    if (typeof value === "string") { const data = bytesOf(value); return joined(head(3, BigInt(data.length)), data); }
    if (value instanceof Fraction) return joined([0xfb], value.bytes);
    if (value instanceof Cid) return joined([0xd8, 42], head(2, 37n), [0], value.bytes);
    if (value instanceof Uint8Array) return joined(head(2, BigInt(value.length)), value);
    if (Array.isArray(value)) return joined(head(4, BigInt(value.length)), ...value.map(cbor));
    const order = (a, b) => a[0].length - b[0].length || (hex(a[0]) < hex(b[0]) ? -1 : 1);
    const members = Array.from(value, ([name, item]) => [bytesOf(name), cbor(name), cbor(item)]).sort(order);
    return joined(head(5, BigInt(value.size)), ...members.flatMap(member => member.slice(1)));
  };
  const uncbor = block => {
    let at = 0;
    const take = size => at + size > block.length ? refuse("the block is cut off") : block.slice(at, at += size);
    const item = depth => {
      const byte = take(1)[0], major = byte >> 5, short = byte & 31;
      if (depth > DEEP || short > 27) refuse("nested too deeply, or without a length");
      if (major === 7) {
        if (short === 27) return new Fraction(take(8));
        return short > 19 && short < 23 ? [false, true, null][short - 20] : refuse("a value that DAG-CBOR does not know");
      }
      const size = short < 24 ? BigInt(short) : number(take(1 << short - 24)), count = Number(size);
      if (major < 2) return major ? -1n - size : size;
      if (major === 2) return take(count);
      if (major === 3) return text(take(count));
      if (major === 6) {
        const held = item(depth + 1);
        if (size !== 42n || !(held instanceof Uint8Array) || held[0] !== 0) refuse("a tag that is no link");
        return cidFrom(held.slice(1));
      }
      if (count > block.length) refuse("the block is cut off");
      const items = Array.from({ length: major === 4 ? count : 2 * count }, () => item(depth + 1));
      if (major === 4) return items;
      const named = items.filter((_, n) => n % 2 === 0).map((name, n) => [name, items[2 * n + 1]]);
      return named.every(([name]) => typeof name === "string") ? new Map(named) : refuse("a name that is no text");
    };
    const value = item(0);
    return at === block.length && same(cbor(value), block) ? value : refuse("the block is not canonical DAG-CBOR");
  };
  const fromJson = (value, depth = 0) => {
    if (depth > DEEP) refuse("nested too deeply");
    if (Array.isArray(value)) return value.map(one => fromJson(one, depth + 1));
    if (typeof value === "number") {
      if (!Number.isSafeInteger(value)) throw new Unchecked("a number that this browser cannot read exactly");
      return BigInt(value);
    }
    if (!object(value)) return value;
    if ("$link" in value || "$bytes" in value) throw new Unchecked("links and bytes in JSON are not read here");
    return new Map(Object.entries(value).map(([name, one]) => [name, fromJson(one, depth + 1)]));
  };
  const readCar = async car => {
    const parts = [];
    for (let at = 0; at < car.length;) {
      let size = 0, step = 1, byte;
      do {
        if (at >= car.length || step > 2 ** 35) refuse("the CAR is cut within a length");
        byte = car[at++];
        size += (byte & 127) * step;
        step *= 128;
      } while (byte > 127);
      if (at + size > car.length) refuse("the CAR is cut within a block");
      parts.push(car.slice(at, at += size));
    }
    const top = uncbor(parts[0] || new Uint8Array());
    const roots = top instanceof Map && top.get("version") === 1n && top.get("roots");
    if (!Array.isArray(roots) || !(roots[0] instanceof Cid)) refuse("not a CARv1 with a root");
    const blocks = new Map();
    for (const part of parts.slice(1)) {
      const cid = cidFrom(part.slice(0, 36)), block = part.slice(36);
      if (!same(await sha256(block), cid.bytes.slice(4))) refuse(`block ${cidText(cid)} does not match its CID`);
      blocks.set(cid.key, block);
    }
    return [roots[0], blocks];
  };

  // ---- the signed commit and its tree -----------------------------------------------------------------------
  async function repository(car, did, name, key) {
    const [root, blocks] = await readCar(car);
    const taken = (cid, what) => blocks.get(cid.key) || refuse(what);
    const commit = uncbor(taken(root, "the commit's block is missing"));
    if (!(commit instanceof Map) || commit.get("version") !== 3n) refuse("the root is not a commit of version 3");
    if (commit.get("did") !== did) refuse("the commit is of another account's repository");
    const signature = commit.get("sig"), tree = commit.get("data");
    if (!/^[2-7a-j][2-7a-z]{12}$/.test(commit.get("rev"))) refuse("the commit's rev is not a TID");
    if (!(signature instanceof Uint8Array) || !(tree instanceof Cid)) {
      refuse("the commit is not signed, or names no tree");
    }
    commit.delete("sig");
    await verify(key, cbor(commit), signature);
    const leaf = await entry(taken, tree, encoder.encode(name));
    const record = leaf && taken(leaf, "the record's block is missing");
    return { commit: cidText(root), cid: leaf && cidText(leaf), record };
  }
  const layerOf = async key => 256 - number(await sha256(key)).toString(2).length >> 1;
  async function entry(taken, root, wanted) {
    const order = (a, b) => hex(a) < hex(b) ? -1 : hex(a) > hex(b) ? 1 : 0;
    let child = root, low = new Uint8Array(), high = Uint8Array.of(255), layer = null;
    while (child) {
      const node = uncbor(taken(child, "a node of the tree on the path to the key is missing"));
      if (!(node instanceof Map) || node.size !== 2 || !Array.isArray(node.get("e"))) {
        refuse("a block on the path is not a node of the tree");
      }
      const rows = [];
      let key = new Uint8Array();
      for (const one of node.get("e")) {
        if (!(one instanceof Map) || one.size !== 4 || !["p", "k", "v", "t"].every(part => one.has(part))) {
          refuse("an entry of the tree is malformed");
        }
        const [shared, rest, value, right] = ["p", "k", "v", "t"].map(part => one.get(part));
        if (typeof shared !== "bigint" || shared < 0n || shared > key.length || !(rest instanceof Uint8Array)) {
          refuse("a key of the tree is malformed");
        }
        if (!(value instanceof Cid) || !(right === null || right instanceof Cid)) refuse("an entry's value is not a link");
        key = joined(key.slice(0, Number(shared)), rest);
        rows.push([key, value, right]);
      }
      child = node.get("l");
      if (!(child === null || child instanceof Cid)) refuse("a child of the tree is not a link");
      const layers = new Set(await Promise.all(rows.map(row => layerOf(row[0]))));
      if (layers.size > 1 || layer !== null && layers.size && !layers.has(layer)) {
        refuse("a key stands in the wrong layer of the tree");
      }
      layer = layers.size ? [...layers][0] : layer;
      layer = layer === null ? null : layer - 1;
      const names = [low, ...rows.map(row => row[0]), high];
      if (names.some((one, n) => n && order(names[n - 1], one) >= 0)) refuse("the keys of the tree are out of order");
      for (const [own, value, right] of rows) {
        const far = order(own, wanted);
        if (far === 0) return value;
        if (far > 0) { high = own; break; }
        low = own;
        child = right;
      }
    }
    return null;
  }

  // ---- the log of a did:plc ---------------------------------------------------------------------------------
  async function plc(log, did) {
    const branch = [], flagged = new Set(), nullified = new Set();
    let last = -Infinity;
    for (const one of list(log)) {
      const said = object(one) && one.operation, at = object(one) && Date.parse(one.createdAt);
      if (!object(said) || typeof one.createdAt !== "string") refuse("not a log of operations with their times");
      if (one.did !== did) refuse("an operation of another DID stands in the log");
      if (!/^[-\dT:.]+Z$/.test(one.createdAt) || !Number.isFinite(at)) {
        refuse("a time of the log is not in UTC as RFC 3339 writes it");
      }
      const cid = await cidOf(cbor(fromJson(said))), name = cidText(cid);
      if (one.cid !== name) refuse(`operation ${name} is logged under another CID`);
      if (one.nullified === true) flagged.add(name);
      if (at < last) refuse("the log is out of order");
      last = at;
      const found = operation(said, name, at, one.createdAt, !branch.length);
      if (!branch.length) {
        if (said.prev != null) refuse("the log does not start with a genesis operation");
        if (did !== "did:plc:" + base32(cid.bytes.slice(4)).slice(0, 24)) {
          refuse("the DID is not the hash of the genesis operation");
        }
        await plcSigner(found.rotation, said, name);
      } else {
        const fork = branch.findIndex(known => known.name === said.prev);
        if (fork < 0) refuse(`operation ${name} does not follow a valid one`);
        found.signer = await plcSigner(branch[fork].rotation, said, name);
        const lost = branch.splice(fork + 1);
        if (lost.length && found.signer >= lost[0].signer) {
          refuse(`operation ${name} rewrites history with a key of no higher authority`);
        }
        if (lost.length && at - lost[0].at > WINDOW) {
          refuse(`operation ${name} rewrites history after the recovery window`);
        }
        lost.forEach(known => nullified.add(known.name));
      }
      branch.push(found);
    }
    if (!branch.length) refuse("the log is empty");
    if ([...flagged].sort().join() !== [...nullified].sort().join()) {
      refuse("the operations flagged as nullified are not those that the log nullifies");
    }
    return branch;
  }
  function operation(said, name, at, told, first) {
    let rotation = [], key = "", host = "";
    if (said.type === "plc_operation") {
      rotation = said.rotationKeys;
      key = object(said.verificationMethods) ? said.verificationMethods.atproto ?? "" : null;
      const server = object(said.services) && said.services.atproto_pds;
      host = object(server) ? server.endpoint ?? "" : "";
    } else if (said.type === "create" && first) {
      rotation = [said.recoveryKey, said.signingKey];
      [key, host] = [said.signingKey, said.service];
    } else if (said.type !== "plc_tombstone" || first) refuse(`operation ${name} is of a type that is not allowed there`);
    if (!Array.isArray(rotation) || typeof key + typeof host !== "stringstring") refuse(`operation ${name} is malformed`);
    return { name, at, told, key, host, signer: 0, rotation: rotation.map(didKey) };
  }
  async function plcSigner(rotation, said, name) {
    if (!/^[\w-]{85}[AQgw]$/.test(said.sig)) {
      refuse(`the signature of operation ${name} is not 64 bytes in unpadded base64url`);
    }
    const signature = Uint8Array.from(atob(said.sig.replace(/-/g, "+").replace(/_/g, "/")), c => c.charCodeAt(0));
    const unsigned = fromJson(said);
    unsigned.delete("sig");
    for (const [place, key] of rotation.entries()) {
      try { await verify(key, cbor(unsigned), signature); } catch (error) {
        if (error instanceof Refused) continue;
        throw error;
      }
      return place;
    }
    return refuse(`operation ${name} is signed by no rotation key`);
  }

  return {
    Unchecked, MOST, refuse, hex, unhex, number, joined, sha256, list, object, json, text, bytesOf, base58, signer, didKey,
    schnorr, uncbor, repository, plc,
  };
})();
