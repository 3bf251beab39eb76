//! The walk over a text that proposes candidates.

use std::sync::LazyLock;

use super::financial::{bank, card, wallet};
use super::general::{address, age, date, email, network, phone, place, url};
use super::recognizer::{Compact, Recognizer};
use super::registry::{self, KindId, REGISTRY, Registry};
use super::{labelled, labels};
use crate::words::{AgeWord, Hit, Hits, HumanWord, Near, Tag, unspaced};

/// Words of medicine that make a text clinical.
const CLINICAL_WORDS_MIN: usize = 3;
/// Letters and digits of the longest atom that any form begins with.
const ATOM_BYTES_MAX: usize = 44;
/// Letters and digits of the shortest atom that may be a wallet's address.
const WALLET_BYTES_MIN: usize = 26;

/// Bytes that the walk stops at.
const STOPS: [bool; 256] = {
    let mut table = [false; 256];
    let (stops, mut at) = (b"0123456789+(;%:-", 0);
    while at < stops.len() {
        table[stops[at] as usize] = true;
        at += 1;
    }
    table
};

/// What to look through, and what is known about it.
pub(crate) struct Request<'r> {
    /// The view's text.
    pub(crate) text: &'r str,
    /// ISO code of the user's country: numbers of that country need less to be believed.
    pub(crate) country: Option<&'r str>,
    /// Dates and places matter: health care.
    pub(crate) health: bool,
    /// Confidence from which a type is reported.
    pub(crate) threshold: &'r dyn Fn(KindId) -> f32,
}

/// What speaks for a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Proof {
    Model,
    Context,
    Format,
    Checksum,
}

/// A stretch that may be an entity.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate {
    pub(crate) kind: KindId,
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) confidence: f32,
    /// Decides between overlapping candidates; higher wins.
    pub(crate) rank: f32,
    pub(crate) proof: Proof,
    /// A word near it spoke for it: where that word stands.
    pub(crate) word: Option<(usize, usize)>,
}

pub(crate) fn candidates(request: &Request<'_>, hits: &Hits) -> Vec<Candidate> {
    let mut scan = Scan {
        request,
        text: request.text,
        bytes: request.text.as_bytes(),
        hits,
        registry: &REGISTRY,
        found: Vec::new(),
        ids: &IDS,
        phone_until: 0,
        date_until: 0,
        near: Vec::new(),
        near_at: usize::MAX,
        clinical: request.health || clinical(hits),
    };
    scan.walk();
    scan.mail();
    scan.around_words();
    scan.found
}

/// Enough different words of medicine stand in the text.
pub(crate) fn clinical(hits: &Hits) -> bool {
    let mut seen: Vec<*const Tag> = Vec::new();
    for (hit, ()) in hits.tagged(|tag| (tag == Tag::Clinical).then_some(())) {
        let word = hit.tags().as_ptr();
        if !seen.contains(&word) {
            seen.push(word);
            if seen.len() >= CLINICAL_WORDS_MIN {
                return true;
            }
        }
    }
    false
}

/// Ids of the kinds with code of their own, looked up once.
struct Ids {
    address: KindId,
    email: KindId,
    phone: KindId,
    fax: KindId,
    ip: KindId,
    mac: KindId,
    iban: KindId,
    wallet: KindId,
    date: KindId,
    birth: KindId,
    age: KindId,
    gender: KindId,
    family: KindId,
    gps: KindId,
    social: KindId,
    track: KindId,
    labels: Vec<KindId>,
}

static IDS: LazyLock<Ids> = LazyLock::new(|| Ids::new(&REGISTRY));

impl Ids {
    fn new(registry: &Registry) -> Self {
        let id = |name: &str| registry.id(name).expect("the name is a constant of the registry");
        Ids {
            address: id(registry::ADDRESS.name),
            email: id(email::EMAIL.name),
            phone: id(phone::PHONE.name),
            fax: id(phone::FAX.name),
            ip: id(network::IP.name),
            mac: id(network::MAC.name),
            iban: id(bank::IBAN.name),
            wallet: id(wallet::WALLET.name),
            date: id(date::DATE.name),
            birth: id(date::BIRTH.name),
            age: id(age::AGE.name),
            gender: id(age::GENDER.name),
            family: id(age::FAMILY.name),
            gps: id(place::GPS.name),
            social: id(url::SOCIAL.name),
            track: id(registry::TRACK_DATA.name),
            labels: labels::LABELS.iter().map(|label| id(label.kind.name)).collect(),
        }
    }
}

struct Scan<'s> {
    request: &'s Request<'s>,
    text: &'s str,
    bytes: &'s [u8],
    hits: &'s Hits,
    registry: &'static Registry,
    found: Vec<Candidate>,
    ids: &'static Ids,
    phone_until: usize,
    date_until: usize,
    /// The words before `near_at`, nearest first: many forms ask about one place.
    near: Vec<Near>,
    near_at: usize,
    clinical: bool,
}

/// What the words near a place say about a kind.
#[derive(Clone, Copy)]
enum Context {
    /// A word of the kind is near; distance in characters, and where it stands.
    Speaks(usize, (usize, usize)),
    /// The same, but a word of another kind is nearer, or the word comes after.
    Murmurs(usize, (usize, usize)),
    /// The nearest word says that the number is nobody's.
    Refuses,
    Silent,
}

/// How a stretch is joined to what surrounds it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Joined {
    No,
    /// To a word or a sign: only a context word makes it a finding.
    Soft,
    /// To more of the same: it is part of something longer.
    Hard,
}

impl Scan<'_> {
    /// Stops at digits and at the few signs that open or join something; words without a digit are passed over unless
    /// they lead a number.
    fn walk(&mut self) {
        let mut at = 0;
        while let Some(gap) = self.bytes[at..].iter().position(|&byte| STOPS[usize::from(byte)]) {
            at += gap;
            match self.bytes[at] {
                b'+' | b'(' => self.phone(at),
                b';' | b'%' => {
                    if let Some(end) = card::track(self.bytes, at) {
                        self.push(self.ids.track, at, end, 0.99, Proof::Checksum, Context::Silent);
                    }
                }
                b':' | b'-' => {
                    if let Some(word) = self.short_word(at)
                        && !self.leads(at)
                    {
                        self.hexadecimal(word);
                    }
                    if self.bytes[at..].starts_with(b"::") {
                        self.ipv6(at);
                    }
                }
                _ => {
                    let before = self.bytes[..at].iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
                    let length = before + self.bytes[at..].iter().take_while(|b| b.is_ascii_alphanumeric()).count();
                    at -= before;
                    if at > 0
                        && self.leads(at - 1)
                        && let Some(word) = self.short_word(at - 1)
                    {
                        self.atom(word, at - 1 - word);
                    }
                    self.atom(at, length);
                    at += length;
                    continue;
                }
            }
            at += 1;
        }
        self.long_words();
    }

    /// One separator and a digit stand at `at`.
    fn leads(&self, at: usize) -> bool {
        matches!(self.bytes[at], b' ' | b'-' | b'.') && self.bytes.get(at + 1).is_some_and(u8::is_ascii_digit)
    }

    /// Where the word of up to four letters begins that ends at `end`, if it is one.
    fn short_word(&self, end: usize) -> Option<usize> {
        let atom = self.bytes[..end].iter().rev().take(5).take_while(|byte| byte.is_ascii_alphanumeric());
        let (length, letters) =
            atom.fold((0, true), |(length, letters), byte| (length + 1, letters && byte.is_ascii_alphabetic()));
        (letters && (1..=4).contains(&length)).then_some(end - length)
    }

    /// Addresses of wallets that happen to hold no digit.
    fn long_words(&mut self) {
        let mut at = 0;
        while let Some(run) = self.bytes.get(at..at + WALLET_BYTES_MIN) {
            if let Some(other) = run.iter().rposition(|byte| !byte.is_ascii_alphanumeric()) {
                at += other + 1;
                continue;
            }
            let length = self.bytes[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
            if !self.bytes[at..at + length].iter().any(u8::is_ascii_digit) {
                self.wallet(at, length);
            }
            at += length;
        }
    }

    fn wallet(&mut self, start: usize, length: usize) {
        let end = start + length;
        if let Some(checked) = wallet::wallet(&self.bytes[start..end]) {
            let context = self.context(self.ids.wallet, start, end);
            let (confidence, proof) = if checked { (0.95, Proof::Checksum) } else { (0.85, Proof::Format) };
            self.push(self.ids.wallet, start, end, confidence, proof, context);
        }
    }

    /// A maximal run of ASCII letters and digits that holds a digit, or leads one.
    fn atom(&mut self, start: usize, length: usize) {
        if length >= WALLET_BYTES_MIN {
            self.wallet(start, length);
        }
        if length <= ATOM_BYTES_MAX {
            self.forms(start, length);
            self.iban(start);
        }
        if (2..=8).contains(&length) {
            self.address(address::with_postcode(self.text, start).or_else(|| {
                let closes = self.bytes[start].is_ascii_digit() && start > 0 && self.after_unspaced(start);
                if closes { address::of_number(self.text, start, start + length) } else { None }
            }));
        }
        if length <= 4 {
            self.hexadecimal(start);
        }
        if self.bytes[start].is_ascii_digit() {
            self.date(start);
            self.phone(start);
            if length <= 3 {
                self.decimal(start);
            }
        }
    }

    /// Unless a month stands in it: a day, a month and a year are built like a number, a name and a postcode.
    fn address(&mut self, found: Option<(usize, usize)>) {
        let Some((start, end)) = found else { return };
        let first = self.hits.list.partition_point(|hit| hit.end <= start);
        let inside = self.hits.list[first..].iter().take_while(|hit| hit.end <= end);
        let dated = |hit: &Hit| hit.start >= start && hit.tags().iter().any(|tag| matches!(tag, Tag::Month(_)));
        if !inside.clone().any(dated) {
            self.push(self.ids.address, start, end, 0.85, Proof::Format, Context::Silent);
        }
    }

    /// A character of a script without spaces stands before, perhaps behind a space.
    fn after_unspaced(&self, start: usize) -> bool {
        self.text[..start].trim_end_matches(' ').ends_with(unspaced)
    }

    fn forms(&mut self, start: usize, first_group: usize) {
        let registry = self.registry;
        let mut compact = Compact::EMPTY;
        let group_end = start + first_group;
        let next = [group_end, group_end + 1].map(|at| self.bytes.get(at).copied().unwrap_or(0));
        for &(form, index) in registry.forms(first_group) {
            if !form.goes_on(next) {
                continue;
            }
            let Some(end) = form.matches(self.bytes, start, &mut compact) else { continue };
            if self.bytes.get(end).is_some_and(u8::is_ascii_alphanumeric) {
                continue;
            }
            let (recognizer, kind) = registry.recognizers[index];
            if (recognizer.check)(compact.as_bytes()) {
                self.judge(recognizer, kind, form.distinct, start, end);
            }
        }
    }

    /// A form whose check holds: confidence by strength, context and country.
    fn judge(&mut self, recognizer: &Recognizer, kind: KindId, distinct: bool, start: usize, end: usize) {
        let joined = self.joined(start, end);
        if joined == Joined::Hard {
            return;
        }
        let strength = recognizer.strength;
        let mut context = self.context(kind, start, end);
        // Cards are worth a false alarm: "invoice" near a number that an issuer's prefix, its length and Luhn call a card
        // does not clear it.
        let card = recognizer.kind.category == super::Category::Card;
        let confidence = match context {
            Context::Speaks(..) | Context::Murmurs(..) => strength.with_context(),
            Context::Refuses if !(card && distinct) => 0.3,
            Context::Refuses => 0.6,
            Context::Silent if joined == Joined::Soft => 0.3,
            Context::Silent => {
                let alone = if distinct { strength.distinct() } else { strength.bare() };
                let home = recognizer.kind.country.is_some() && recognizer.kind.country == self.request.country;
                if home && alone < 0.9 { alone + 0.15 } else { alone }
            }
        };
        let proof = if strength >= super::recognizer::Strength::Weak { Proof::Checksum } else { Proof::Format };
        if matches!(context, Context::Refuses) {
            context = Context::Silent;
        }
        let bonus = match strength {
            super::recognizer::Strength::Strong => 0.25,
            super::recognizer::Strength::Medium => 0.15,
            super::recognizer::Strength::Weak => 0.05,
            _ => 0.0,
        };
        self.push_ranked(kind, start, end, confidence, bonus, proof, context);
    }

    fn iban(&mut self, start: usize) {
        if !self.bytes[start].is_ascii_alphabetic() {
            return;
        }
        if let Some(end) = bank::iban(self.bytes, start) {
            let context = self.context(self.ids.iban, start, end);
            self.push_ranked(self.ids.iban, start, end, 0.95, 0.4, Proof::Checksum, context);
        }
    }

    fn hexadecimal(&mut self, start: usize) {
        if !self.bytes[start].is_ascii_hexdigit() {
            return;
        }
        if self.left(start) != Joined::Hard
            && let Some(end) = network::mac(self.bytes, start)
        {
            self.push_ranked(self.ids.mac, start, end, 0.95, 0.3, Proof::Format, Context::Silent);
        } else {
            self.ipv6(start);
        }
    }

    fn ipv6(&mut self, start: usize) {
        if start > 0 && (self.bytes[start - 1] == b':' || self.bytes[start - 1].is_ascii_alphanumeric()) {
            return;
        }
        if let Some((end, special)) = network::ipv6(self.bytes, start) {
            let confidence = if special { 0.6 } else { 0.95 };
            self.push_ranked(self.ids.ip, start, end, confidence, 0.3, Proof::Format, Context::Silent);
        }
    }

    /// Four-part addresses and coordinates.
    fn decimal(&mut self, start: usize) {
        if self.left(start) == Joined::Hard {
            return;
        }
        if let Some((end, special)) = network::ipv4(self.bytes, start) {
            let context = self.context(self.ids.ip, start, end);
            let version = start > 0 && matches!(self.bytes[start - 1], b'v' | b'V');
            let confidence = match context {
                Context::Speaks(..) | Context::Murmurs(..) => 0.95,
                // "version 1.2.3.4"
                Context::Refuses => 0.3,
                Context::Silent if version => 0.3,
                Context::Silent => {
                    if special {
                        0.6
                    } else {
                        0.85
                    }
                }
            };
            self.push_ranked(self.ids.ip, start, end, confidence, 0.2, Proof::Format, context);
        }
        if let Some((from, end)) = place::coordinates(self.bytes, start) {
            self.push_ranked(self.ids.gps, from, end, 0.85, 0.2, Proof::Format, Context::Silent);
        }
    }

    fn phone(&mut self, start: usize) {
        if start < self.phone_until || self.left(start) == Joined::Hard {
            return;
        }
        let Some(run) = phone::run(self.bytes, start) else { return };
        if self.date_until > start && self.date_until >= run.end {
            return;
        }
        self.phone_until = run.end;
        let fax = self.context(self.ids.fax, start, run.end);
        let voice = self.context(self.ids.phone, start, run.end);
        let (kind, context) = match (fax, voice) {
            (Context::Speaks(near, _), Context::Speaks(other, _)) if near < other => (self.ids.fax, fax),
            (Context::Speaks(..), _) if !matches!(voice, Context::Speaks(..)) => (self.ids.fax, fax),
            _ => (self.ids.phone, voice),
        };
        let soft = self.left(start) == Joined::Soft;
        let confidence = match context {
            Context::Speaks(..) | Context::Murmurs(..) if run.alone >= 0.5 => 0.95,
            Context::Speaks(distance, _) if run.digits >= 7 || distance <= 12 => 0.85,
            Context::Murmurs(..) if run.digits >= 7 => 0.7,
            Context::Speaks(..) | Context::Murmurs(..) => 0.4,
            Context::Refuses => run.alone.min(0.45),
            Context::Silent if soft => run.alone.min(0.45),
            Context::Silent => run.alone,
        };
        self.push(kind, start, run.end, confidence, Proof::Format, context);
    }

    fn date(&mut self, start: usize) {
        if self.left(start) == Joined::Hard {
            return;
        }
        if let Some(found) = date::numeric(self.bytes, start) {
            self.date_until = found.end;
            self.dated(found);
        }
    }

    /// A date is somebody's birth when the words say so, and a date of care in clinical text.
    fn dated(&mut self, found: date::Date) {
        let context = self.context(self.ids.birth, found.start, found.end);
        if let Context::Speaks(..) | Context::Murmurs(..) = context {
            self.push(self.ids.birth, found.start, found.end, 0.9, Proof::Context, context);
        } else if self.clinical {
            self.push(self.ids.date, found.start, found.end, 0.7, Proof::Format, Context::Silent);
        }
    }

    fn mail(&mut self) {
        for at in memchr::memchr_iter(b'@', self.bytes) {
            if let Some((start, end, confidence)) = email::address(self.text, at) {
                self.push_ranked(self.ids.email, start, end, confidence, 0.5, Proof::Format, Context::Silent);
            }
        }
    }

    fn around_words(&mut self) {
        for found in date::in_words(self.text, self.hits) {
            self.dated(found);
        }
        for nth in 0..self.hits.list.len() {
            let hit = self.hits.list[nth];
            for &tag in hit.tags() {
                match tag {
                    Tag::Scheme => {
                        if let Some((start, end)) = url::profile(self.text, hit.end) {
                            self.push(self.ids.social, start, end, 0.85, Proof::Format, Context::Silent);
                        }
                    }
                    Tag::Street(street) => {
                        self.address(address::of_street(self.text, hit.start, hit.end, street));
                    }
                    Tag::Label(index) => self.labelled(index, hit.start, hit.end),
                    Tag::Age(word) => self.age(word, hit.start, hit.end),
                    Tag::Human(HumanWord::Gender) if self.clinical => {
                        self.push(self.ids.gender, hit.start, hit.end, 0.6, Proof::Context, Context::Silent);
                    }
                    Tag::Human(HumanWord::Family) if self.clinical => {
                        self.push(self.ids.family, hit.start, hit.end, 0.6, Proof::Context, Context::Silent);
                    }
                    _ => {}
                }
            }
        }
    }

    fn labelled(&mut self, index: u16, start: usize, end: usize) {
        let label = &labels::LABELS[usize::from(index)];
        if let Some((from, to)) = labelled::value(self.text, end, label.shape) {
            let kind = self.ids.labels[usize::from(index)];
            let context = Context::Speaks(from - end, (start, end));
            self.push(kind, from, to, 0.8, Proof::Context, context);
        }
    }

    fn age(&mut self, word: AgeWord, start: usize, end: usize) {
        match word {
            AgeWord::Lead => {
                if let Some((from, to)) = age::number_after(self.bytes, end) {
                    self.push(self.ids.age, from, to, 0.75, Proof::Context, Context::Silent);
                }
            }
            AgeWord::Sure => {
                if let Some(from) = age::number_before(self.bytes, start) {
                    self.push(self.ids.age, from, end, 0.85, Proof::Context, Context::Silent);
                }
            }
            // "5 years" is a duration unless the words before speak of a person.
            AgeWord::Unit if self.clinical => {
                if let Some(from) = age::number_before(self.bytes, start)
                    && self.person_before(from)
                {
                    self.push(self.ids.age, from, end, 0.75, Proof::Context, Context::Silent);
                }
            }
            AgeWord::Unit => {}
        }
    }

    /// A word for a person, or for an age, stands closely before, and "de", a colon or a comma joins it.
    fn person_before(&self, at: usize) -> bool {
        const REACH_CHARS: usize = 24;
        let joined = [b" de ".as_slice(), b":", b": ", b", ", b",", b"/", b" of ", b" von ", b" van "]
            .iter()
            .any(|link| self.bytes[..at].ends_with(link));
        joined
            && self.hits.before(self.text, at).take_while(|near| near.distance <= REACH_CHARS).any(|near| {
                near.hit.tags().iter().any(|tag| {
                    matches!(
                        tag,
                        Tag::Human(HumanWord::Gender | HumanWord::GenderLabel | HumanWord::Family)
                            | Tag::Age(AgeWord::Lead)
                            | Tag::Clinical
                    )
                })
            })
    }

    /// What the words near `start..end` say about a kind. The nearest word that says anything decides.
    fn context(&mut self, kind: KindId, start: usize, end: usize) -> Context {
        if self.near_at != start {
            self.near.clear();
            self.near.extend(self.hits.before(self.text, start));
            self.near_at = start;
        }
        let (mut refused, mut foreign) = (false, false);
        for near in &self.near {
            let tags = near.hit.tags();
            let word = (near.hit.start, near.hit.end);
            if tags.contains(&Tag::Near(kind)) {
                return match (refused, foreign) {
                    (true, _) => Context::Refuses,
                    (false, true) => Context::Murmurs(near.distance, word),
                    (false, false) => Context::Speaks(near.distance, word),
                };
            }
            refused |= tags.contains(&Tag::Refuse) && !self.sentence_between(near.hit.end, start);
            // "number" inside "phone number" is no other word.
            foreign |= tags.iter().any(|tag| matches!(tag, Tag::Near(_)));
        }
        if refused {
            return Context::Refuses;
        }
        let after = self.hits.after(self.text, end).find(|near| near.hit.tags().contains(&Tag::Near(kind)));
        after.map_or(Context::Silent, |near| Context::Murmurs(near.distance, (near.hit.start, near.hit.end)))
    }

    /// A sentence ends between two places (at most a context's reach apart).
    fn sentence_between(&self, from: usize, to: usize) -> bool {
        self.bytes[from..to]
            .windows(2)
            .any(|pair| matches!(pair[0], b'.' | b'!' | b'?') && pair[1] == b' ' || pair[0] == b'\n')
    }

    fn joined(&self, start: usize, end: usize) -> Joined {
        self.left(start).max(self.right(end))
    }

    fn left(&self, start: usize) -> Joined {
        let Some(&sign) = start.checked_sub(1).and_then(|at| self.bytes.get(at)) else { return Joined::No };
        let before = start.checked_sub(2).and_then(|at| self.bytes.get(at)).copied().unwrap_or(b' ');
        match sign {
            b'-' | b'.' | b'/' | b'_' if before.is_ascii_digit() => Joined::Hard,
            b'-' | b'/' | b'_' if before.is_ascii_alphabetic() => Joined::Soft,
            b'.' if before.is_ascii_alphabetic() && self.bytes[start].is_ascii_digit() => Joined::No,
            b':' | b',' if before.is_ascii_digit() && self.short_group(start) => Joined::Hard,
            b'+' | b'$' | b'@' | b'\\' => Joined::Hard,
            b'#' => Joined::Soft,
            // €, £, ¥ in UTF-8.
            0xac | 0xa3 | 0xa5 if self.text[..start].ends_with(['€', '£', '¥']) => Joined::Hard,
            byte if byte.is_ascii_alphanumeric() => Joined::Hard,
            _ => Joined::No,
        }
    }

    /// The digits at `start` are a group of at most three: after a comma they go on a number.
    fn short_group(&self, start: usize) -> bool {
        self.bytes[start..].iter().take(4).take_while(|byte| byte.is_ascii_digit()).count() <= 3
    }

    fn right(&self, end: usize) -> Joined {
        let sign = self.bytes.get(end).copied().unwrap_or(b' ');
        let after = self.bytes.get(end + 1).copied().unwrap_or(b' ');
        match sign {
            b'-' | b'_' | b'@' if after.is_ascii_alphanumeric() => Joined::Hard,
            b'.' | b':' if after.is_ascii_digit() => Joined::Hard,
            b',' if after.is_ascii_digit()
                && self.bytes[end + 1..].iter().take(4).take_while(|byte| byte.is_ascii_digit()).count() <= 3 =>
            {
                Joined::Hard
            }
            b'/' if after.is_ascii_alphanumeric() => Joined::Soft,
            b'%' => Joined::Hard,
            _ => Joined::No,
        }
    }

    fn push(&mut self, kind: KindId, start: usize, end: usize, confidence: f32, proof: Proof, context: Context) {
        self.push_ranked(kind, start, end, confidence, 0.0, proof, context);
    }

    #[expect(clippy::too_many_arguments, reason = "one candidate's fields, written at a dozen places")]
    fn push_ranked(
        &mut self,
        kind: KindId,
        start: usize,
        end: usize,
        confidence: f32,
        bonus: f32,
        proof: Proof,
        context: Context,
    ) {
        let (near, word) = match context {
            Context::Speaks(distance, word) => (0.3 - distance as f32 * 0.002, Some(word)),
            Context::Murmurs(distance, word) => (0.1 - distance as f32 * 0.002, Some(word)),
            _ => (0.0, None),
        };
        let rank = confidence + bonus + near + (end - start).min(64) as f32 * 0.001;
        self.found.push(Candidate { kind, start, end, confidence, rank, proof, word });
    }
}
