// Repeats verifications in the reader's own browser: a certificate (hash, signature, place in the log), an entry of the
// log (its hash, signature, inclusion, the signed checkpoint), and that the log only grew between two sizes.
//
// Input: the certificate file (fetched from data-json, or embedded in a self-contained page) and the trusted keys; for
// the log what its public addresses answer.
// The hash covers every member but the seven below, in RFC 8785 form. The signature is a DSSE envelope over an in-toto
// statement that names the hash. The log entry is the envelope; its RFC 6962 proof leads to the root in the checkpoint.
// What this browser cannot do (Ed25519 in WebCrypto is young) is said, never passed over.
(() => {
  "use strict";
  const NOT_HASHED = ["sha256_hash", "signature", "log", "valid", "revoked", "revocation", "checks"];
  const encoder = new TextEncoder();

  // RFC 8785: members sorted by UTF-16 code units, ECMAScript numbers and strings.
  const canonical = (value) => {
    if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
    if (value !== null && typeof value === "object") {
      return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
    }
    return JSON.stringify(value);
  };
  const join = (...parts) => {
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    parts.reduce((offset, part) => (bytes.set(part, offset), offset + part.length), 0);
    return bytes;
  };
  const fromBase64 = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const same = (a, b) => toHex(a) === toHex(b);
  const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));

  const checkHash = async (file, shown) => {
    const body = Object.fromEntries(Object.entries(file).filter(([name]) => !NOT_HASHED.includes(name)));
    const hash = toHex(await sha256(encoder.encode(canonical(body))));
    if (hash !== file.sha256_hash || hash !== shown) return ["fail", `the body hashes to ${hash}`];
    return ["pass", "recomputed over the canonical body, equal to the hash above"];
  };

  const rawKey = (text) => fromBase64(text.replace(/-----[^-]+-----/g, "").replace(/\s/g, "")).slice(-32);

  // null where the browser has no Ed25519.
  const verifies = async (trusted, signature, message) => {
    let key;
    try {
      key = await crypto.subtle.importKey("raw", rawKey(trusted.public_key), "Ed25519", false, ["verify"]);
    } catch {
      return null;
    }
    return crypto.subtle.verify("Ed25519", key, signature, message);
  };
  const NO_ED25519 = ["silent", "this browser has no Ed25519; use assize verify"];

  const checkEnvelope = async (envelope, keys, names) => {
    const [signature] = envelope.signatures;
    const trusted = keys.keys.find((key) => key.key_id === signature.keyid);
    if (!trusted) return ["fail", `signed by ${signature.keyid}, which is not a trusted key`];
    const payload = fromBase64(envelope.payload);
    if (!new TextDecoder().decode(payload).includes(names)) return ["fail", "the signed statement names another hash"];
    const type = envelope.payloadType;
    const message = join(encoder.encode(`DSSEv1 ${encoder.encode(type).length} ${type} ${payload.length} `), payload);
    const holds = await verifies(trusted, fromBase64(signature.sig), message);
    if (holds === null) return NO_ED25519;
    return holds ? ["pass", `Ed25519 signature of key ${signature.keyid.slice(0, 16)}…`] : ["fail", "the signature is not of this key"];
  };

  const checkSignature = (file, keys) => checkEnvelope(file.signature.envelope, keys, file.sha256_hash);

  const node = (left, right) => sha256(join([1], left, right));

  // RFC 9162, section 2.1.3.2.
  const rootFromProof = async (leaf, index, size, proof) => {
    let [fn, sn, hash] = [index, size - 1, leaf];
    for (const sibling of proof) {
      if (sn === 0) return null;
      if (fn % 2 === 1 || fn === sn) {
        hash = await node(sibling, hash);
        while (fn % 2 === 0 && fn !== 0) [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
      } else {
        hash = await node(hash, sibling);
      }
      [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
    }
    return sn === 0 ? hash : null;
  };

  const checkInclusion = async (file) => {
    const log = file.log;
    if (!log) return ["silent", "the certificate carries no log proof"];
    const leaf = await sha256(join([0], encoder.encode(canonical(file.signature.envelope))));
    const root = await rootFromProof(leaf, log.leaf_index, log.tree_size, log.inclusion_proof.map(fromBase64));
    const [, size, head] = log.checkpoint.split("\n");
    if (!root || Number(size) !== log.tree_size || !same(root, fromBase64(head))) {
      return ["fail", "the proof does not lead to the root of the checkpoint"];
    }
    return ["pass", `entry ${log.leaf_index} of ${log.tree_size}: the proof leads to the checkpoint's root`];
  };

  // C2SP signed-note: origin, size, root, a blank line, then signatures over what stands before it.
  const readNote = (note) => {
    const end = note.indexOf("\n\n") + 1;
    const [origin, size, root] = note.slice(0, end).split("\n");
    const lines = note.slice(end + 1).split("\n").filter((line) => line.startsWith("\u2014 "));
    return { origin, size: Number(size), root: fromBase64(root), body: encoder.encode(note.slice(0, end)),
      signatures: lines.map((line) => fromBase64(line.split(" ")[2]).slice(4)) };
  };
  const checkNote = async (note, keys, root, size) => {
    const head = readNote(note);
    if (head.size !== size || !same(head.root, root)) return ["fail", `the checkpoint of ${head.size} entries names another root`];
    for (const key of keys.keys) {
      for (const signature of head.signatures) {
        const holds = await verifies(key, signature, head.body);
        if (holds === null) return NO_ED25519;
        if (holds) return ["pass", `${head.origin} with ${head.size} entries, signed by key ${key.key_id.slice(0, 16)}…`];
      }
    }
    return ["fail", "no trusted key signed the checkpoint"];
  };

  // RFC 9162, section 2.1.4.2: both roots, each computed from the proof.
  const rootsFromConsistency = async (from, fromRoot, to, proof) => {
    if (from === to) return proof.length === 0 ? [fromRoot, fromRoot] : null;
    const path = Number.isInteger(Math.log2(from)) ? [fromRoot, ...proof] : proof;
    if (path.length === 0) return null;
    let [fn, sn] = [from - 1, to - 1];
    while (fn % 2 === 1) [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
    let [fr, sr] = [path[0], path[0]];
    for (const step of path.slice(1)) {
      if (sn === 0) return null;
      if (fn % 2 === 1 || fn === sn) {
        [fr, sr] = [await node(step, fr), await node(step, sr)];
        while (fn % 2 === 0 && fn !== 0) [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
      } else {
        sr = await node(sr, step);
      }
      [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
    }
    return sn === 0 ? [fr, sr] : null;
  };

  const WORDS = { pass: "Passed", fail: "Failed", silent: "Not checked" };
  const show = (panel, name, [tone, detail]) => {
    const row = panel.querySelector(`[data-check="${name}"]`);
    const state = row.querySelector(".state");
    state.className = `state ${tone}`;
    state.querySelector("use").setAttribute("href", `#i-${tone}`);
    state.querySelector(".word").textContent = WORDS[tone];
    row.querySelector(".detail").textContent = detail;
  };

  const embedded = (id) => { const node = document.getElementById(id); return node && JSON.parse(node.textContent); };
  const fetched = async (url) => {
    const answer = await fetch(url, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
    return answer.json();
  };

  const all = (panel, names, result) => { for (const name of names) show(panel, name, result); };
  const attempt = async (panel, name, check) => {
    try { show(panel, name, await check()); } catch (error) { show(panel, name, ["silent", String(error.message ?? error)]); }
  };

  const verifyCertificate = async (panel) => {
    const file = embedded("certificate-document") ?? await fetched(panel.dataset.json);
    const keys = embedded("trusted-keys") ?? await fetched(panel.dataset.keys);
    await attempt(panel, "hash", () => checkHash(file, panel.dataset.hash));
    await attempt(panel, "signature", () => checkSignature(file, keys));
    await attempt(panel, "inclusion", () => checkInclusion(file));
  };

  const verifyEntry = async (panel) => {
    const [index, size] = [Number(panel.dataset.index), Number(panel.dataset.size)];
    const keys = await fetched(panel.dataset.keys);
    const { entries: [found] } = await fetched(`/log/entries?start=${index}&count=1`);
    const proof = await fetched(`/log/proof/inclusion?index=${index}&size=${size}`);
    const note = await (await fetch(panel.dataset.checkpoint)).text();
    const leaf = await sha256(join([0], encoder.encode(canonical(found.entry))));
    const root = fromBase64(proof.root_hash);
    await attempt(panel, "hash", () => same(leaf, fromBase64(panel.dataset.hash))
      ? ["pass", "recomputed over the entry, equal to the hash above"] : ["fail", `the entry hashes to ${toHex(leaf)}`]);
    await attempt(panel, "signature", () => checkEnvelope(found.entry, keys, ""));
    await attempt(panel, "inclusion", async () => {
      const computed = await rootFromProof(leaf, index, size, proof.proof.map(fromBase64));
      return computed && same(computed, root) ? ["pass", `${proof.proof.length} hashes lead from the entry to the root of ${size} entries`]
        : ["fail", "the proof does not lead to the root"];
    });
    await attempt(panel, "checkpoint", () => readNote(note).size === size ? checkNote(note, keys, root, size)
      : ["silent", "the log has grown since this page was made: load it again"]);
  };

  const verifyGrowth = async (panel) => {
    const [from, to] = [Number(panel.dataset.from), Number(panel.dataset.to)];
    const proof = await fetched(`/log/proof/consistency?from=${from}&to=${to}`);
    const [fromRoot, toRoot] = [fromBase64(proof.from_root_hash), fromBase64(proof.to_root_hash)];
    await attempt(panel, "consistency", async () => {
      const roots = await rootsFromConsistency(from, fromRoot, to, proof.proof.map(fromBase64));
      return roots && same(roots[0], fromRoot) && same(roots[1], toRoot)
        ? ["pass", `${proof.proof.length} hashes lead to both roots: the first ${from} entries are unchanged`]
        : ["fail", "the proof does not lead to both roots"];
    });
    await attempt(panel, "checkpoint", async () => {
      const note = await (await fetch(panel.dataset.checkpoint)).text();
      return readNote(note).size === to ? checkNote(note, await fetched(panel.dataset.keys), toRoot, to)
        : ["silent", "only the present size has a checkpoint to hold the root against"];
    });
  };

  const VERIFICATIONS = { "": verifyCertificate, entry: verifyEntry, growth: verifyGrowth };

  const run = async (panel) => {
    panel.querySelector("[data-browser-checks]").hidden = false;
    try {
      await VERIFICATIONS[panel.dataset.verify](panel);
    } catch (error) {
      const names = [...panel.querySelectorAll("[data-check]")].map((row) => row.dataset.check);
      all(panel, names, ["silent", `could not load what is to be checked: ${error.message}`]);
    }
  };

  const start = () => {
    for (const panel of document.querySelectorAll("[data-verify]")) {
      const button = panel.querySelector("[data-verify-run]");
      if (!crypto.subtle || !button) continue;
      button.hidden = false;
      button.addEventListener("click", () => run(panel));
    }
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
