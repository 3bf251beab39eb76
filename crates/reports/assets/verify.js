// Repeats the verification of a certificate in the reader's own browser: hash, signature, place in the log.
//
// Input: the certificate file (fetched from data-json, or embedded in a self-contained page) and the trusted keys.
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

  const checkSignature = async (file, keys) => {
    const envelope = file.signature.envelope;
    const [signature] = envelope.signatures;
    const trusted = keys.keys.find((key) => key.key_id === signature.keyid);
    if (!trusted) return ["fail", `signed by ${signature.keyid}, which is not a trusted key`];
    const payload = fromBase64(envelope.payload);
    if (!new TextDecoder().decode(payload).includes(file.sha256_hash)) return ["fail", "the signed statement names another hash"];
    const type = envelope.payloadType;
    const message = join(encoder.encode(`DSSEv1 ${encoder.encode(type).length} ${type} ${payload.length} `), payload);
    let key;
    try {
      key = await crypto.subtle.importKey("raw", rawKey(trusted.public_key), "Ed25519", false, ["verify"]);
    } catch {
      return ["silent", "this browser has no Ed25519; use assize verify"];
    }
    const holds = await crypto.subtle.verify("Ed25519", key, fromBase64(signature.sig), message);
    return holds ? ["pass", `Ed25519 signature of key ${signature.keyid.slice(0, 16)}…`] : ["fail", "the signature is not of this key"];
  };

  // RFC 9162, section 2.1.3.2.
  const rootFromProof = async (leaf, index, size, proof) => {
    const node = (left, right) => sha256(join([1], left, right));
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

  const run = async (panel) => {
    const rows = panel.querySelector("[data-browser-checks]");
    rows.hidden = false;
    const attempt = async (name, check) => {
      try { show(panel, name, await check()); } catch (error) { show(panel, name, ["silent", String(error.message ?? error)]); }
    };
    try {
      const file = embedded("certificate-document") ?? await fetched(panel.dataset.json);
      const keys = embedded("trusted-keys") ?? await fetched(panel.dataset.keys);
      await attempt("hash", () => checkHash(file, panel.dataset.hash));
      await attempt("signature", () => checkSignature(file, keys));
      await attempt("inclusion", () => checkInclusion(file));
    } catch (error) {
      for (const name of ["hash", "signature", "inclusion"]) show(panel, name, ["silent", `could not load the certificate: ${error.message}`]);
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
