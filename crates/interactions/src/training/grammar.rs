//! Sentences with names, places, organizations and addresses, written from a grammar and public lists of names.
//!
//! The grammar's file says how its lines read (`data/interactions/synthesis.txt`). The same machinery refills the
//! marked spans of a data set with names from the lists, so that a set's sentences can be used without its identities.

use super::Rng;
use super::tagger::{Gazetteers, TaggedText};
use crate::tagger::EntityKind;

/// A parsed grammar with the lists of names it draws from.
#[derive(Debug, Clone, Default)]
pub struct Grammar {
    blocks: Vec<Block>,
}

#[derive(Debug, Clone, Default)]
struct Block {
    language: String,
    countries: Vec<String>,
    forenames: Vec<String>,
    surnames: Vec<String>,
    cities: Vec<String>,
    addresses: Vec<String>,
    organizations: Vec<String>,
    sentences: Vec<String>,
}

/// Titles by language; they stand before a name and belong to it.
const TITLES: &[(&str, &[&str])] = &[
    ("en", &["Mr.", "Mrs.", "Ms.", "Dr.", "Prof.", "Mr", "Dr", "Miss"]),
    ("de", &["Herr", "Frau", "Dr.", "Prof. Dr.", "Dipl.-Ing.", "Ing.", "Univ.Prof."]),
    ("fr", &["M.", "Mme", "Mlle", "Dr", "Monsieur", "Madame"]),
    ("es", &["Sr.", "Sra.", "D.", "Dña.", "Dr.", "Dra.", "Lic.", "Ing.", "Mtro."]),
    ("it", &["Sig.", "Sig.ra", "Dott.", "Dott.ssa", "Ing."]),
    ("nl", &["dhr.", "mevr.", "dr.", "ir.", "drs."]),
    ("pt", &["Sr.", "Sra.", "Dr.", "Dra.", "Prof."]),
    ("pl", &["pan", "pani", "Pan", "Pani", "dr"]),
    ("da", &["Hr.", "Fru", "Dr.", "Prof."]),
    ("no", &["Dr.", "Prof."]),
];
/// Degrees after a German name.
const DEGREES: &[&str] = &["B.Sc.", "B.Eng.", "B.A.", "MBA.", "M.Sc."];
const WORDS: &[&str] = &[
    "yesterday",
    "report",
    "Monday",
    "Friday",
    "January",
    "tomorrow",
    "update",
    "the",
    "invoice",
    "thanks",
    "March",
    "again",
    "meeting",
    "Saturday",
    "today",
    "please",
    "order",
    "October",
    "call",
    "and",
];

impl Grammar {
    /// Reads a grammar and completes its lists; a line that cannot be read is named.
    pub fn parse(text: &str, gazetteers: &Gazetteers) -> Result<Grammar, String> {
        let mut blocks: Vec<Block> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            if line.starts_with('#') || line.trim().is_empty() {
                continue;
            }
            let (word, rest) = line.split_once(' ').ok_or_else(|| format!("line {}: {line}", number + 1))?;
            if word == "@" {
                let mut words = rest.split(' ').map(str::to_owned);
                let language = words.next().unwrap_or_default();
                blocks.push(Block { language, countries: words.collect(), ..Block::default() });
                continue;
            }
            let block = blocks.last_mut().ok_or_else(|| format!("line {}: no block is open", number + 1))?;
            match word {
                "forenames" => block.forenames.extend(rest.split_whitespace().map(str::to_owned)),
                "surnames" => block.surnames.extend(rest.split_whitespace().map(str::to_owned)),
                "surnames_with" => block.surnames.extend(rest.split('|').map(str::to_owned)),
                "loc" => block.cities.extend(rest.split_whitespace().map(str::to_owned)),
                "address" => block.addresses.push(rest.to_owned()),
                "organization" => block.organizations.push(rest.to_owned()),
                "sentence" => block.sentences.push(rest.to_owned()),
                _ => return Err(format!("line {}: {word} is no kind of line", number + 1)),
            }
        }
        let shared = blocks.first().cloned().unwrap_or_default();
        for block in &mut blocks {
            block.complete(gazetteers, &shared);
        }
        Ok(Grammar { blocks })
    }

    /// All names the grammar itself lists, for the tagger's lists: (forename or surname, is it a surname).
    pub fn names(&self) -> impl Iterator<Item = (&str, bool)> {
        self.blocks.iter().flat_map(|block| {
            let first = block.forenames.iter().map(|name| (name.as_str(), false));
            first.chain(block.surnames.iter().map(|name| (name.as_str(), true)))
        })
    }

    /// Places the grammar itself lists (scripts without spaces).
    pub fn places(&self) -> impl Iterator<Item = &str> {
        self.blocks.iter().flat_map(|block| block.cities.iter().map(String::as_str))
    }

    /// Writes `count` texts per sentence of the grammar.
    pub fn write(&self, seed: u64, count: usize) -> Vec<TaggedText> {
        let mut rng = Rng::new(seed);
        let mut texts = Vec::new();
        for block in &self.blocks {
            for sentence in &block.sentences {
                let plain =
                    !["{per}", "{first}", "{last}", "{addr}", "{loc}", "{org}"].iter().any(|s| sentence.contains(s));
                for _ in 0..if plain { count.div_ceil(2) } else { count } {
                    let mut text = TaggedText::default();
                    // People's names cross borders.
                    let people = if rng.chance(12) { rng.pick(&self.blocks) } else { block };
                    block.fill(sentence, people, &mut text, &mut rng);
                    texts.push(text);
                }
            }
        }
        texts
    }

    /// The text with every marked span refilled from the lists; spans of no kind become random digits and letters.
    pub fn refill(&self, text: &str, spans: &[(usize, usize, Refill)], rng: &mut Rng) -> TaggedText {
        let mut out = TaggedText::default();
        let mut done = 0;
        let block = loop {
            // The identities of an English text come from anywhere, as they do in real letters.
            let block = if rng.chance(40) { &self.blocks[0] } else { rng.pick(&self.blocks) };
            if !block.addresses.is_empty() && !block.is_cjk() {
                break block;
            }
        };
        for &(start, end, refill) in spans {
            if start < done || end > text.len() {
                continue;
            }
            out.text.push_str(&text[done..start]);
            let old = &text[start..end];
            let from = out.text.len();
            let new = block.value(refill, old, rng);
            let lower = old.chars().any(char::is_alphabetic) && !old.chars().any(char::is_uppercase);
            out.text.push_str(&if lower { new.to_lowercase() } else { new });
            if let Some(kind) = refill.kind() {
                out.spans.push((from, out.text.len(), kind));
            }
            done = end;
        }
        out.text.push_str(&text[done..]);
        out
    }
}

/// What a span of a data set is refilled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refill {
    /// A person's name of as many words.
    Person,
    /// A city or country.
    Location,
    /// An organization.
    Organization,
    /// A whole address, or a part of one when the span is short.
    Address,
    /// Anything else: digits for digits, letters for letters.
    Other,
}

impl Refill {
    fn kind(self) -> Option<EntityKind> {
        match self {
            Refill::Person => Some(EntityKind::Person),
            Refill::Location => Some(EntityKind::Location),
            Refill::Organization => Some(EntityKind::Organization),
            Refill::Address => Some(EntityKind::Address),
            Refill::Other => None,
        }
    }
}

impl Block {
    fn complete(&mut self, gazetteers: &Gazetteers, shared: &Block) {
        let mine = |list: &[(String, String)], countries: &[String]| -> Vec<String> {
            list.iter().filter(|(c, _)| countries.contains(c)).map(|(_, name)| name.clone()).collect()
        };
        if !self.is_cjk() {
            self.forenames.extend(mine(&gazetteers.forenames, &self.countries));
            self.surnames.extend(mine(&gazetteers.surnames, &self.countries));
            self.cities.extend(mine(&gazetteers.cities, &self.countries));
        }
        if self.addresses.is_empty() {
            self.addresses.clone_from(&shared.addresses);
        }
        if self.organizations.is_empty() {
            self.organizations.clone_from(&shared.organizations);
        }
    }

    fn is_cjk(&self) -> bool {
        matches!(self.language.as_str(), "zh" | "ja" | "ko")
    }

    fn fill(&self, pattern: &str, people: &Block, out: &mut TaggedText, rng: &mut Rng) {
        let pattern = choose(pattern, rng);
        let mut rest = pattern.as_str();
        while let Some(open) = rest.find('{') {
            out.text.push_str(&rest[..open].replace('~', "\n"));
            let close = rest[open..].find('}').map_or(rest.len(), |at| open + at);
            let slot = &rest[open + 1..close];
            let refill = match slot {
                "per" | "first" | "last" => Refill::Person,
                "addr" => Refill::Address,
                "loc" => Refill::Location,
                "org" => Refill::Organization,
                _ => Refill::Other,
            };
            let value = match slot {
                "per" => people.person(rng),
                "first" => rng.pick(&people.forenames).clone(),
                "last" => rng.pick(&people.surnames).clone(),
                "addr" => self.address(rng),
                "loc" => self.place(rng),
                "org" => self.organization(rng),
                _ => match filler(slot, rng) {
                    Some(value) => value,
                    // Braces of JSON are text.
                    None => {
                        out.text.push('{');
                        rest = &rest[open + 1..];
                        continue;
                    }
                },
            };
            let from = out.text.len();
            out.text.push_str(&value);
            if let Some(kind) = refill.kind() {
                out.spans.push((from, out.text.len(), kind));
            }
            rest = rest.get(close + 1..).unwrap_or("");
        }
        out.text.push_str(&rest.replace('~', "\n"));
    }

    fn value(&self, refill: Refill, old: &str, rng: &mut Rng) -> String {
        match refill {
            Refill::Person if old.contains(' ') => self.person(rng),
            Refill::Person => {
                let list = if rng.chance(60) { &self.forenames } else { &self.surnames };
                rng.pick::<String>(list).clone()
            }
            Refill::Location => self.place(rng),
            Refill::Organization => self.organization(rng),
            Refill::Address if old.chars().all(|c| c.is_ascii_digit()) => digits(old.len(), rng),
            Refill::Address if old.len() < 12 && old.contains('.') => format!("Apt. {}", digits(3, rng)),
            Refill::Address if old.contains('\n') || old.contains(',') => self.address(rng),
            // A street and a number.
            Refill::Address => self.address(rng).split(['\n', ',']).next().unwrap_or_default().to_owned(),
            Refill::Other => scramble(old, rng),
        }
    }

    fn person(&self, rng: &mut Rng) -> String {
        let (first, last) = (rng.pick(&self.forenames).clone(), rng.pick(&self.surnames).clone());
        match self.language.as_str() {
            "zh" | "ko" => return last + &first,
            "ja" => return last + if rng.chance(60) { " " } else { "" } + &first,
            _ => {}
        }
        let mut name = match rng.below(20) {
            0 => format!("{first} {}. {last}", char::from(b'A' + rng.below(26) as u8)),
            1 => format!("{first} {} {last}", rng.pick(&self.forenames)),
            2 => format!("{}. {last}", first.chars().next().unwrap_or('A')),
            3 => format!("{first} {last}-{}", rng.pick(&self.surnames)),
            4 => format!("{first}-{} {last}", rng.pick(&self.forenames)),
            5 if self.language == "en" => format!("{last}, {first}"),
            5 | 6 if matches!(self.language.as_str(), "es" | "pt") => {
                format!("{first} {last} {}", rng.pick(&self.surnames))
            }
            7..=10 if self.language == "es" => format!("{first} {last} {}", rng.pick(&self.surnames)),
            _ => format!("{first} {last}"),
        };
        if let Some((_, titles)) = TITLES.iter().find(|(language, _)| *language == self.language)
            && rng.chance(10)
        {
            name = format!("{} {name}", rng.pick(titles));
        }
        if self.language == "de" && rng.chance(4) {
            name = format!("{name} {}", rng.pick(DEGREES));
        }
        name
    }

    fn address(&self, rng: &mut Rng) -> String {
        let pattern = rng.pick(&self.addresses).clone();
        self.expand(&pattern, rng)
    }

    fn organization(&self, rng: &mut Rng) -> String {
        let pattern = rng.pick(&self.organizations).clone();
        self.expand(&pattern, rng)
    }

    fn place(&self, rng: &mut Rng) -> String {
        if self.cities.is_empty() || (!self.is_cjk() && rng.chance(20)) {
            return (*rng.pick(COUNTRIES)).to_owned();
        }
        rng.pick(&self.cities).clone()
    }

    /// Fills the small slots of addresses and organizations.
    fn expand(&self, pattern: &str, rng: &mut Rng) -> String {
        let pattern = choose(pattern, rng);
        let mut out = String::new();
        let mut rest = pattern.chars();
        while let Some(c) = rest.next() {
            match c {
                '#' => out.push(char::from(b'0' + rng.below(10) as u8)),
                '^' => out.push(char::from(b'A' + rng.below(26) as u8)),
                '~' => out.push(if rng.chance(60) { '\n' } else { ' ' }),
                '{' => {
                    let slot: String = rest.by_ref().take_while(|c| *c != '}').collect();
                    match slot.as_str() {
                        "n" => {
                            let places = 1 + rng.below(4);
                            out.push_str(digits(places, rng).trim_start_matches('0'));
                        }
                        "s" => out.push_str(rng.pick::<String>(&self.surnames)),
                        "f" => out.push_str(rng.pick::<String>(&self.forenames)),
                        "c" if !self.cities.is_empty() => out.push_str(rng.pick::<String>(&self.cities)),
                        _ => out.push_str(rng.pick::<&str>(COUNTRIES)),
                    }
                }
                c => out.push(c),
            }
        }
        out
    }
}

/// Takes one alternative of each bracket: `[a|b]` becomes `a` or `b`.
pub fn choose(pattern: &str, rng: &mut Rng) -> String {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(open) = rest.find('[') {
        out.push_str(&rest[..open]);
        let close = rest[open..].find(']').map_or(rest.len() - 1, |at| open + at);
        let alternatives: Vec<&str> = rest[open + 1..close].split('|').collect();
        out.push_str(rng.pick::<&str>(&alternatives));
        rest = &rest[close + 1..];
    }
    out + rest
}

/// Values that name nobody.
fn filler(slot: &str, rng: &mut Rng) -> Option<String> {
    let two = |rng: &mut Rng, limit: usize| format!("{:02}", 1 + rng.below(limit));
    Some(match slot {
        "date" => {
            let (day, month, year) = (two(rng, 28), two(rng, 12), 1930 + rng.below(100));
            match rng.below(4) {
                0 => format!("{year}-{month}-{day}"),
                1 => format!("{day}/{month}/{year}"),
                2 => format!("{day}.{month}.{year}"),
                _ => format!("{day} {} {year}", rng.pick(&["January", "March", "May", "July", "October"])),
            }
        }
        "num" => {
            let length = 2 + rng.below(14);
            if rng.chance(20) { format!("{}.{}", digits(1, rng), digits(2, rng)) } else { digits(length, rng) }
        }
        "phone" => format!("+{} {} {}", digits(2, rng), digits(3, rng), digits(6, rng)),
        "email" => format!("{}@example.{}", scramble("abcdefg", rng), rng.pick(&["com", "org", "net"])),
        "id" => rng.pick(&["#", "A-", "ORD-", "Z00-", "", "Bf"]).to_string() + &digits(7, rng),
        "money" => format!("{},{}.00 {}", digits(1, rng), digits(3, rng), rng.pick(&["EUR", "USD", "€", "$"])),
        "word" => (*rng.pick(WORDS)).to_owned(),
        _ => return None,
    })
}

fn digits(count: usize, rng: &mut Rng) -> String {
    (0..count).map(|_| char::from(b'0' + rng.below(10) as u8)).collect()
}

fn scramble(old: &str, rng: &mut Rng) -> String {
    let letter = |first: u8, rng: &mut Rng| char::from(first + rng.below(26) as u8);
    old.chars()
        .map(|c| match c {
            '0'..='9' => char::from(b'0' + rng.below(10) as u8),
            'a'..='z' => letter(b'a', rng),
            'A'..='Z' => letter(b'A', rng),
            other => other,
        })
        .collect()
}

/// Countries as texts name them.
const COUNTRIES: &[&str] = &[
    "United States",
    "USA",
    "UK",
    "United Kingdom",
    "England",
    "Scotland",
    "Ireland",
    "Canada",
    "Australia",
    "New Zealand",
    "Germany",
    "Deutschland",
    "Austria",
    "Österreich",
    "Switzerland",
    "Schweiz",
    "France",
    "Spain",
    "España",
    "Italy",
    "Italia",
    "Portugal",
    "Netherlands",
    "Nederland",
    "Belgium",
    "België",
    "Poland",
    "Polska",
    "Sweden",
    "Sverige",
    "Norway",
    "Denmark",
    "Danmark",
    "Finland",
    "Iceland",
    "Greece",
    "Turkey",
    "Russia",
    "Ukraine",
    "China",
    "Japan",
    "India",
    "Korea",
    "Brazil",
    "Brasil",
    "Mexico",
    "México",
    "Argentina",
    "Colombia",
    "Chile",
    "Peru",
    "Venezuela",
    "Cuba",
    "Ecuador",
    "South Africa",
    "Nigeria",
    "Kenya",
    "Egypt",
    "Morocco",
    "Israel",
    "Iran",
    "Iraq",
    "Syria",
    "Pakistan",
    "Bangladesh",
    "Vietnam",
    "Thailand",
    "Indonesia",
    "Philippines",
    "Singapore",
    "Malaysia",
    "Europe",
    "Africa",
    "Asia",
    "California",
    "Texas",
    "Florida",
    "Bayern",
    "Catalonia",
    "Bretagne",
    "Andalucía",
    "Hungary",
    "Romania",
    "Bulgaria",
    "Croatia",
    "Serbia",
    "Slovakia",
    "Slovenia",
    "Czech Republic",
    "Estonia",
    "Latvia",
    "Lithuania",
    "Luxembourg",
    "Malta",
    "Cyprus",
    "Gabon",
    "Greenland",
    "Antigua and Barbuda",
    "Turkmenistan",
    "Liberia",
    "Uruguay",
    "Paraguay",
    "Bolivia",
    "Jamaica",
    "Haiti",
];
