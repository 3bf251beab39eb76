//! Zip, tar, npy and safetensors: what their directories say, and each member in turn.
//!
//! A zip is read by its central directory, as loaders do (APPNOTE 6.3.10); a member that it does not list is not loaded.

use std::collections::BTreeSet;
use std::io::Read;

use super::{DEPTH_MAX, ONE_MEMBER_BYTES_MAX, Report, Severity, examine as examine_bytes};
use super::{opcodes, pickles};
use crate::pickle::Limits;

/// Members of one archive.
const MEMBERS_MAX: usize = 20_000;
/// Unpacked bytes for each packed one, beyond which a member is a bomb; deflate cannot pass 1,032.
const RATIO_MAX: u64 = 200;
/// Unpacked bytes that are no bomb whatever the ratio.
const BYTES_FREE: u64 = 1 << 20;
/// Bytes of the header of a safetensors file.
const SAFETENSORS_HEADER_MAX: u64 = 100_000_000;

/// Examines an archive; `None` for anything else.
pub(super) fn examine(bytes: &[u8], limits: &Limits, report: &mut Report) -> Option<&'static str> {
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return Some(zip(bytes, limits, report));
    }
    if bytes.get(257..262) == Some(b"ustar") {
        tar(bytes, limits, report);
        return Some("tar");
    }
    if bytes.starts_with(b"\x93NUMPY") {
        npy(bytes, limits, report);
        return Some("npy");
    }
    if is_safetensors(bytes) {
        safetensors(bytes, report);
        return Some("safetensors");
    }
    None
}

fn number(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(width)?)?;
    Some(bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

/// One entry of the central directory.
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) method: u64,
    pub(crate) encrypted: bool,
    packed: u64,
    unpacked: u64,
    header: u64,
    symlink: bool,
}

impl Member {
    /// Its bytes as stored, behind its own header.
    pub(crate) fn packed<'b>(&self, bytes: &'b [u8]) -> Option<&'b [u8]> {
        let header = usize::try_from(self.header).ok().filter(|at| *at < bytes.len())?;
        let skipped = number(bytes, header + 26, 2)? + number(bytes, header + 28, 2)?;
        let start = header + 30 + usize::try_from(skipped).ok()?;
        bytes.get(start..start.checked_add(usize::try_from(self.packed).ok()?)?)
    }
}

fn zip(bytes: &[u8], limits: &Limits, report: &mut Report) -> &'static str {
    let Some(members) = directory(bytes) else {
        report.add(Severity::Medium, "malformed", 0, "the directory of the zip cannot be read");
        return "zip";
    };
    if members.len() >= MEMBERS_MAX {
        report.add(
            Severity::High,
            "limit-exceeded",
            0,
            format!("more than {MEMBERS_MAX} members; the rest is unexamined"),
        );
    }
    let has = |suffix: &str| members.iter().any(|member| member.name.ends_with(suffix));
    let format = match () {
        () if has("data.pkl") => "PyTorch",
        () if has("config.json") && has(".h5") => "Keras",
        () if has("schema.json") => "skops",
        () if !members.is_empty() && members.iter().all(|member| member.name.ends_with(".npy")) => "npz",
        () => "zip",
    };
    let mut seen = BTreeSet::new();
    let mut spans: Vec<(u64, u64)> = Vec::new();
    for member in &members {
        let name = &member.name;
        path(name, member.symlink, report);
        if !seen.insert(name.as_str()) {
            let message = format!("two members are called {name:?}; loaders disagree on which one counts");
            report.add(Severity::High, "archive-duplicate-name", member.header as usize, message);
        }
        if member.unpacked > BYTES_FREE && member.unpacked / member.packed.max(1) > RATIO_MAX {
            let message = format!("{name:?} unpacks from {} bytes to {}: a bomb", member.packed, member.unpacked);
            report.add(Severity::High, "archive-bomb", member.header as usize, message);
        }
        spans.push((member.header, member.header.saturating_add(30).saturating_add(member.packed)));
    }
    spans.sort_unstable();
    if spans.windows(2).any(|pair| pair[1].0 < pair[0].1) {
        report.add(Severity::High, "archive-bomb", 0, "members overlap, so that few bytes unpack to many");
    }
    for member in &members {
        content(bytes, member, limits, report);
    }
    format
}

/// The central directory; `None` when there is none or it lies outside the file.
pub(crate) fn directory(bytes: &[u8]) -> Option<Vec<Member>> {
    // The end record has 22 bytes and a comment of at most 65,535.
    let from = bytes.len().saturating_sub(22 + 65_535);
    let end = from + bytes[from..].windows(4).rposition(|window| window == b"PK\x05\x06")?;
    let (mut count, mut at) = (number(bytes, end + 10, 2)?, number(bytes, end + 16, 4)?);
    // Zip64: the locator stands before the end record.
    if (count == 0xffff || at == 0xffff_ffff)
        && let Some(locator) = end.checked_sub(20).filter(|at| bytes[*at..].starts_with(b"PK\x06\x07"))
    {
        let record = usize::try_from(number(bytes, locator + 8, 8)?).ok().filter(|at| *at < bytes.len())?;
        (count, at) = (number(bytes, record + 32, 8)?, number(bytes, record + 48, 8)?);
    }
    let mut at = usize::try_from(at).ok().filter(|at| *at <= bytes.len())?;
    let mut members = Vec::new();
    while (members.len() as u64) < count && members.len() < MEMBERS_MAX {
        if bytes.get(at..at + 4)? != b"PK\x01\x02" {
            return None;
        }
        let lengths = [28, 30, 32].map(|place| number(bytes, at + place, 2));
        let [name, extra, comment] = [lengths[0]? as usize, lengths[1]? as usize, lengths[2]? as usize];
        let fields = bytes.get(at + 46 + name..at + 46 + name + extra)?;
        let mut member = Member {
            name: String::from_utf8_lossy(bytes.get(at + 46..at + 46 + name)?).into_owned(),
            method: number(bytes, at + 10, 2)?,
            encrypted: number(bytes, at + 8, 2)? & 1 == 1,
            packed: number(bytes, at + 20, 4)?,
            unpacked: number(bytes, at + 24, 4)?,
            header: number(bytes, at + 42, 4)?,
            // Unix mode in the upper half of the external attributes; 0o120000 is a symbolic link.
            symlink: number(bytes, at + 38, 4)? >> 28 == 0o12,
        };
        widen(&mut member, fields);
        members.push(member);
        at += 46 + name + extra + comment;
    }
    Some(members)
}

/// Sizes of 32 bits that are full stand in the extra field of Zip64, in this order.
fn widen(member: &mut Member, mut fields: &[u8]) {
    while let (Some(id), Some(length)) = (number(fields, 0, 2), number(fields, 2, 2)) {
        let Some(field) = fields.get(4..4 + length as usize) else { return };
        if id == 1 {
            let mut at = 0;
            for size in [&mut member.unpacked, &mut member.packed, &mut member.header] {
                if *size == 0xffff_ffff
                    && let Some(wide) = number(field, at, 8)
                {
                    *size = wide;
                    at += 8;
                }
            }
        }
        fields = &fields[4 + length as usize..];
    }
}

/// A path that leaves the folder it is unpacked into.
fn path(name: &str, symlink: bool, report: &mut Report) {
    let parts: Vec<&str> = name.split(['/', '\\']).collect();
    let drive = name.as_bytes().get(1) == Some(&b':');
    if name.starts_with(['/', '\\']) || drive || parts.contains(&"..") {
        let message = format!("the member {name:?} leaves the folder it is unpacked into");
        report.add(Severity::Critical, "archive-path-traversal", 0, message);
    }
    if symlink {
        let message = format!("the member {name:?} is a link, through which others are written elsewhere");
        report.add(Severity::High, "archive-link", 0, message);
    }
}

/// Unpacks one member under the limits and scans it.
fn content(bytes: &[u8], member: &Member, limits: &Limits, report: &mut Report) {
    let unexamined = |report: &mut Report, why: String| {
        let message = format!("the member {:?} is unexamined: {why}", member.name);
        report.add(Severity::Medium, "not-examined", member.header as usize, message);
    };
    if member.name.ends_with('/') {
        return;
    }
    if member.encrypted {
        return unexamined(report, "it is encrypted".to_owned());
    }
    let Some(packed) = member.packed(bytes) else { return unexamined(report, "it lies outside the file".to_owned()) };
    let most = ONE_MEMBER_BYTES_MAX.min(report.bytes_left);
    let unpacked = match member.method {
        0 => Ok(packed.get(..most.min(packed.len())).unwrap_or_default().to_vec()),
        8 => {
            let mut unpacked = Vec::new();
            let reader = flate2::bufread::DeflateDecoder::new(packed);
            reader.take(most as u64 + 1).read_to_end(&mut unpacked).map(|_| unpacked)
        }
        other => return unexamined(report, format!("its compression ({other}) is not known")),
    };
    match unpacked {
        Err(error) => unexamined(report, format!("it cannot be unpacked: {error}")),
        Ok(unpacked) => {
            let cut = unpacked.len() > most || (member.method == 0 && packed.len() > most);
            if cut {
                unexamined(report, format!("only its first {most} bytes were looked at"));
            }
            inner(&unpacked[..unpacked.len().min(most)], &member.name, cut, limits, report);
        }
    }
}

/// Scans the bytes of a member. Large arrays of numbers are cut, which is no fault of theirs.
fn inner(bytes: &[u8], name: &str, cut: bool, limits: &Limits, report: &mut Report) {
    report.bytes_left = report.bytes_left.saturating_sub(bytes.len());
    if report.path.len() >= DEPTH_MAX {
        report.add(Severity::High, "limit-exceeded", 0, format!("archives within archives, deeper than {DEPTH_MAX}"));
        return;
    }
    report.path.push(name.to_owned());
    if !cut && !bytes.is_empty() && may_be_code(bytes, name) {
        examine_bytes(bytes, name, limits, report);
    }
    report.path.pop();
}

/// Whether a member has a signature or a name that says it is more than numbers or plain text.
fn may_be_code(bytes: &[u8], name: &str) -> bool {
    let pickled = bytes[0] == 0x80 && bytes.get(1).is_some_and(|protocol| *protocol <= 5);
    let known = [".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt", ".py", ".ipynb", ".json", ".sh"];
    let named = known.iter().any(|suffix| name.ends_with(suffix));
    let last = name.rsplit('/').next().unwrap_or(name);
    let named = named || (last.starts_with("requirements") && last.ends_with(".txt"));
    // Raw tensors of PyTorch lie in `data/` under numbers.
    let tensor = last.bytes().all(|byte| byte.is_ascii_digit());
    let signatures: [&[u8]; 11] = [
        b"PK\x03\x04",
        b"\x93NUMPY",
        b"\x89HDF",
        b"\x1f\x8b",
        b"BZh",
        b"\xfd7zXZ",
        b"\x28\xb5\x2f\xfd",
        b"\x7fELF",
        b"MZ",
        b"#!",
        b"GGUF",
    ];
    let signed =
        signatures.iter().any(|signature| bytes.starts_with(signature)) || bytes.get(257..262) == Some(b"ustar");
    if pickled || (!tensor && (named || signed)) {
        return true;
    }
    // Protocols 0 and 1 have no signature; bytes that name a class and end as a pickle are one.
    let walked = opcodes::walk(bytes);
    walked.ended && !walked.names.is_empty()
}

fn tar(bytes: &[u8], limits: &Limits, report: &mut Report) {
    let mut at = 0;
    for _ in 0..MEMBERS_MAX {
        let Some(head) = bytes.get(at..at + 512).filter(|head| head.iter().any(|byte| *byte != 0)) else { return };
        let text = |field: &[u8]| {
            let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
            String::from_utf8_lossy(&field[..end]).into_owned()
        };
        let size = usize::from_str_radix(text(&head[124..136]).trim(), 8);
        let name = match text(&head[345..500]) {
            prefix if prefix.is_empty() => text(&head[..100]),
            prefix => format!("{prefix}/{}", text(&head[..100])),
        };
        let Ok(size) = size else {
            return report.add(Severity::Medium, "malformed", at, "a header of the tar cannot be read");
        };
        path(&name, matches!(head[156], b'1' | b'2'), report);
        let Some(content) = bytes.get(at + 512..(at + 512).saturating_add(size)) else {
            return report.add(Severity::Medium, "malformed", at, "a member of the tar is cut off");
        };
        if matches!(head[156], b'0' | 0) {
            let most = ONE_MEMBER_BYTES_MAX.min(report.bytes_left);
            inner(&content[..content.len().min(most)], &name, content.len() > most, limits, report);
        }
        at += 512 + size.next_multiple_of(512);
    }
    report.add(
        Severity::High,
        "limit-exceeded",
        at,
        format!("more than {MEMBERS_MAX} members; the rest is unexamined"),
    );
}

/// An array of objects is a pickle behind a header (numpy/lib/format.py).
fn npy(bytes: &[u8], limits: &Limits, report: &mut Report) {
    let wide = bytes.get(6).is_some_and(|version| *version >= 2);
    let (width, at) = if wide { (4, 12) } else { (2, 10) };
    let header = number(bytes, 8, width).and_then(|length| bytes.get(at..at + usize::try_from(length).ok()?));
    let Some(header) = header else {
        return report.add(Severity::Medium, "malformed", 0, "the header of the array is cut off");
    };
    let text = String::from_utf8_lossy(header);
    if text.contains("'|O'") || text.contains("'O'") || text.contains("\"|O\"") {
        report.add(
            Severity::Medium,
            "numpy-object-array",
            at,
            "an array of objects is a pickle, and runs what it names",
        );
        pickles::examine(&bytes[at + header.len()..], limits, report);
    }
}

fn is_safetensors(bytes: &[u8]) -> bool {
    let length = number(bytes, 0, 8).unwrap_or(u64::MAX);
    bytes.get(8) == Some(&b'{') && (2..=SAFETENSORS_HEADER_MAX).contains(&length)
}

/// Holds no code; what can be wrong is where its tensors lie.
fn safetensors(bytes: &[u8], report: &mut Report) {
    let length = number(bytes, 0, 8).and_then(|length| usize::try_from(length).ok()).unwrap_or(usize::MAX);
    let header = bytes
        .get(8..8_usize.saturating_add(length))
        .and_then(|header| serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(header).ok());
    let Some(header) = header else {
        return report.add(Severity::Medium, "malformed", 0, "the header of the tensors cannot be read");
    };
    let data = (bytes.len() - 8 - length) as u64;
    for (name, tensor) in header.iter().filter(|(name, _)| *name != "__metadata__") {
        let end = tensor["data_offsets"][1].as_u64();
        if tensor["data_offsets"][0].as_u64().is_none() || end.is_none_or(|end| end > data) {
            report.add(Severity::Medium, "malformed", 8, format!("the tensor {name:?} lies outside the file"));
        }
    }
}
