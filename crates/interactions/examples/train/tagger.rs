//! What the tagger is trained on and how it is scored.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context;
use assize_interactions::tagger::{Entity, EntityKind, Tagger};
use assize_interactions::tokens::tokenize;
use assize_interactions::training::{Gazetteers, Grammar, Refill, Rng, TaggedText, TaggerOptions, train_tagger};

use crate::data::{self, FOLDS, Line, fold};

/// Everything the tagger learns from.
pub(crate) struct Corpus {
    lines: Vec<Line>,
    gazetteers: Gazetteers,
    grammar: Grammar,
    /// Sentences in many languages that name nobody.
    nameless: Vec<String>,
}

/// Country names of the city list that the grammar's languages belong to.
const COUNTRIES: &[(&str, &str)] = &[
    ("United States", "US"),
    ("United Kingdom", "GB"),
    ("Australia", "AU"),
    ("Canada", "CA"),
    ("Ireland", "IE"),
    ("India", "IN"),
    ("South Africa", "ZA"),
    ("Singapore", "SG"),
    ("New Zealand", "NZ"),
    ("Germany", "DE"),
    ("Austria", "AT"),
    ("Switzerland", "CH"),
    ("France", "FR"),
    ("Belgium", "BE"),
    ("Luxembourg", "LU"),
    ("Spain", "ES"),
    ("Mexico", "MX"),
    ("Argentina", "AR"),
    ("Colombia", "CO"),
    ("Chile", "CL"),
    ("Peru", "PE"),
    ("Italy", "IT"),
    ("Netherlands", "NL"),
    ("Portugal", "PT"),
    ("Brazil", "BR"),
    ("Poland", "PL"),
    ("Sweden", "SE"),
    ("Finland", "FI"),
    ("Denmark", "DK"),
    ("Norway", "NO"),
    ("Türkiye", "TR"),
    ("Czechia", "CZ"),
    ("Hungary", "HU"),
    ("Russian Federation", "RU"),
    ("Ukraine", "UA"),
    ("Bulgaria", "BG"),
    ("Serbia", "RS"),
    ("Croatia", "HR"),
    ("Romania", "RO"),
    ("Greece", "GR"),
    ("Israel", "IL"),
    ("Iran, Islamic Republic of", "IR"),
    ("Egypt", "EG"),
    ("Pakistan", "PK"),
    ("Philippines", "PH"),
    ("Viet Nam", "VN"),
    ("Kenya", "KE"),
    ("Ghana", "GH"),
    ("Iceland", "IS"),
    ("Lithuania", "LT"),
];

impl Corpus {
    /// Reads data sets, lists and grammars.
    pub(crate) fn read(folder: &Path, own: &Path) -> anyhow::Result<Corpus> {
        let mut lines = Vec::new();
        for name in ["pii_presidio.jsonl", "pii_synth.jsonl", "pii_meddocan.jsonl", "ner.jsonl"] {
            lines.extend(data::read(folder, name)?);
        }
        let mut nameless = Vec::new();
        for name in ["safety.jsonl", "injection.jsonl", "harmful_requests.jsonl"] {
            for line in data::read(folder, name)? {
                let wanted = match line.set.as_str() {
                    // Every fifth: the templates repeat.
                    "multilingual_hatecheck" | "hatecheck" => fold(&line.text) == 0,
                    "notinject" | "purplellama_frr" => true,
                    _ => false,
                };
                if wanted && line.licensed {
                    nameless.push(line.text);
                }
            }
        }
        let mut gazetteers = Gazetteers::default();
        for row in data::table(folder, "popular_forenames_by_country.tsv")? {
            for name in [&row[2], &row[3]] {
                gazetteers.forenames.push((row[0].clone(), name.clone()));
            }
        }
        for row in data::table(folder, "popular_surnames_by_country.tsv")? {
            for name in [&row[1], &row[2]] {
                gazetteers.surnames.push((row[0].clone(), name.clone()));
            }
        }
        let ranked = |row: &[String], limit: usize| row[2].parse::<usize>().is_ok_and(|rank| rank <= limit);
        for name in ["us_census1990_first_female.tsv", "us_census1990_first_male.tsv"] {
            for row in data::table(folder, name)? {
                let country = if ranked(&row, 800) { "US" } else { "rare" };
                gazetteers.forenames.push((country.into(), row[0].clone()));
            }
        }
        for row in data::table(folder, "uk_first_names.tsv")? {
            gazetteers.forenames.push(("rare".into(), row[0].clone()));
        }
        for row in data::table(folder, "us_census1990_surnames.tsv")? {
            let country = if ranked(&row, 4000) { "US" } else { "rare" };
            gazetteers.surnames.push((country.into(), row[0].clone()));
        }
        for row in data::table(folder, "geonames_cities15000.tsv")? {
            let country = COUNTRIES.iter().find(|(name, _)| *name == row[1]).map_or("", |(_, code)| code);
            gazetteers.cities.push((country.into(), row[0].clone()));
            gazetteers.regions.extend([row[1].clone(), row[2].clone()]);
        }
        gazetteers.forenames.retain(|(_, name)| !name.is_empty());
        gazetteers.surnames.retain(|(_, name)| !name.is_empty());
        let mut text = std::fs::read_to_string(own.join("synthesis.txt")).context("reading synthesis.txt")?;
        text += &std::fs::read_to_string(own.join("synthesis_cjk.txt")).context("reading synthesis_cjk.txt")?;
        let grammar = Grammar::parse(&text, &gazetteers).map_err(anyhow::Error::msg)?;
        for (name, surname) in grammar.names() {
            let list = if surname { &mut gazetteers.surnames } else { &mut gazetteers.forenames };
            list.push(("own".into(), name.to_owned()));
        }
        gazetteers.cities.extend(grammar.places().map(|name| ("own".into(), name.to_owned())));
        Ok(Corpus { lines, gazetteers, grammar, nameless })
    }
}

fn kind(name: &str) -> Option<EntityKind> {
    Some(match name {
        "PERSON" => EntityKind::Person,
        "LOCATION" | "GPE" => EntityKind::Location,
        "ORG" | "ORGANIZATION" => EntityKind::Organization,
        "ADDRESS" | "STREET_ADDRESS" => EntityKind::Address,
        _ => return None,
    })
}

/// The part of a surname's fold: in the synthetic set, names of the held-out half are others too.
fn surname_fold(line: &Line) -> Option<u64> {
    let person = line.spans.iter().find(|span| span.2 == "PERSON")?;
    Some(fold(line.text[person.0..person.1].split_whitespace().last()?))
}

/// Is the line held out in this fold, may it be trained on, or neither?
fn held_out(line: &Line, number: u64) -> Option<bool> {
    let of_group = fold(&line.group) == number;
    match surname_fold(line).filter(|_| line.set == "synth_pii") {
        None => Some(of_group),
        Some(surname) if (surname == number) == of_group => Some(of_group),
        Some(_) => None,
    }
}

/// Trains on everything, or on everything outside of one fold.
pub(crate) fn train(corpus: &Corpus, without: Option<u64>) -> Vec<u8> {
    let mut rng = Rng::new(11);
    let mut texts = Vec::new();
    let mut templates: BTreeMap<&str, Vec<&Line>> = BTreeMap::new();
    for line in &corpus.lines {
        if !line.licensed || without.is_some_and(|number| held_out(line, number) != Some(false)) {
            continue;
        }
        if line.set.starts_with("presidio") {
            templates.entry(&line.group).or_default().push(line);
            continue;
        }
        let spans: Vec<_> = line.spans.iter().filter_map(|s| Some((s.0, s.1, kind(&s.2)?))).collect();
        let mut text = TaggedText { text: line.text.clone(), spans };
        if line.json["meta"]["tokenised"].as_bool() == Some(true) && rng.chance(75) {
            text = join_punctuation(&text);
        }
        texts.push(text);
        // Natural sentences with other names: the words around a name are learned, not the name.
        if line.json["meta"]["tokenised"].as_bool() == Some(true) && !line.spans.is_empty() && rng.chance(REFILLED) {
            let refilled = corpus.grammar.refill(&line.text, &refills(line), &mut rng);
            texts.push(join_punctuation(&refilled));
        }
        if line.set == "synth_pii" && !matches!(line.lang.as_str(), "zh" | "ja" | "ko") && !line.spans.is_empty() {
            texts.push(corpus.grammar.refill(&line.text, &refills(line), &mut rng));
        }
    }
    for lines in templates.values() {
        for _ in 0..REFILLS {
            let line = rng.pick(lines);
            texts.push(corpus.grammar.refill(&line.text, &refills(line), &mut rng));
        }
    }
    texts.extend(corpus.grammar.write(3, SYNTHESIS));
    texts.extend(corpus.nameless.iter().map(|text| TaggedText { text: text.clone(), spans: Vec::new() }));
    for at in 0..texts.len() {
        if texts[at].text.contains('\n') && rng.chance(QUOTED) {
            let mark = *rng.pick(QUOTES);
            texts.push(quote(&texts[at], mark));
        }
    }
    let plain = texts.len();
    for at in 0..plain {
        if rng.chance(10) {
            let small = recase(&texts[at], str::to_lowercase);
            texts.extend(small);
        } else if rng.chance(2) {
            let large = recase(&texts[at], str::to_uppercase);
            texts.extend(large);
        }
    }
    train_tagger(&texts, &corpus.gazetteers, &TaggerOptions::default())
}

/// Texts per template of the presidio set.
const REFILLS: usize = 24;
/// Percent of the natural sentences that are used a second time with other names.
const REFILLED: usize = 60;
/// Texts per sentence of the grammar.
const SYNTHESIS: usize = 24;

fn refills(line: &Line) -> Vec<(usize, usize, Refill)> {
    let refill = |name: &str| match kind(name) {
        Some(EntityKind::Person) => Refill::Person,
        Some(EntityKind::Location) => Refill::Location,
        Some(EntityKind::Organization) => Refill::Organization,
        Some(EntityKind::Address) => Refill::Address,
        None => Refill::Other,
    };
    // Titles, ages and dates are no identities; they stay as they are.
    let keep = ["TITLE", "PREFIX", "AGE", "DATE_TIME", "NRP"];
    line.spans.iter().filter(|s| !keep.contains(&s.2.as_str())).map(|s| (s.0, s.1, refill(&s.2))).collect()
}

/// Percent of the texts of several lines that are repeated as a quotation.
const QUOTED: usize = 15;
/// What lines of a quotation, a list, a comment or a listing begin with.
const QUOTES: &[&str] = &["> ", ">", ">> ", "- ", "* ", "| ", "# ", "// ", "    ", "\t", ": ", "?? ", "• ", "-- "];

/// The text with a mark before each line.
fn quote(text: &TaggedText, mark: &str) -> TaggedText {
    let line = |at: usize| text.text[..at].matches('\n').count() + 1;
    let moved = |at: usize| at + line(at) * mark.len();
    TaggedText {
        text: text.text.split('\n').map(|line| format!("{mark}{line}")).collect::<Vec<_>>().join("\n"),
        spans: text.spans.iter().map(|&(start, end, kind)| (moved(start), moved(end), kind)).collect(),
    }
}

/// The text in another case, where no letter changes its length.
fn recase(text: &TaggedText, to: fn(&str) -> String) -> Option<TaggedText> {
    let other = to(&text.text);
    let same = other.len() == text.text.len()
        && other.char_indices().map(|(at, _)| at).eq(text.text.char_indices().map(|(at, _)| at));
    same.then(|| TaggedText { text: other, spans: text.spans.clone() })
}

/// Takes away the space that tokenised sets put before punctuation.
fn join_punctuation(text: &TaggedText) -> TaggedText {
    let mut joined = String::with_capacity(text.text.len());
    let mut moved = Vec::with_capacity(text.text.len() + 1);
    let bytes = text.text.as_bytes();
    for (at, c) in text.text.char_indices() {
        let before_mark = c == ' ' && bytes.get(at + 1).is_some_and(|next| b".,;:!?)]'".contains(next));
        let after_mark = c == ' ' && at > 0 && b"([".contains(&bytes[at - 1]);
        moved.resize(at + 1, joined.len());
        if !before_mark && !after_mark {
            joined.push(c);
        }
    }
    moved.resize(text.text.len(), joined.len());
    moved.push(joined.len());
    let spans = text.spans.iter().map(|&(start, end, kind)| (moved[start], moved[end], kind)).filter(|s| s.0 < s.1);
    TaggedText { spans: spans.collect(), text: joined }
}

/// Counts of one type in one set.
#[derive(Default, Clone, Copy)]
struct Counts {
    gold: usize,
    gold_hit: usize,
    found: usize,
    found_hit: usize,
    exact: usize,
}

impl Counts {
    fn add(&mut self, gold: &[(usize, usize)], found: &[(usize, usize)]) {
        let overlap = |a: &(usize, usize), b: &(usize, usize)| a.0 < b.1 && b.0 < a.1;
        self.gold += gold.len();
        self.found += found.len();
        self.gold_hit += gold.iter().filter(|g| found.iter().any(|f| overlap(g, f))).count();
        self.found_hit += found.iter().filter(|f| gold.iter().any(|g| overlap(g, f))).count();
        self.exact += gold.iter().filter(|g| found.contains(g)).count();
    }

    fn precision(&self) -> f64 {
        self.found_hit as f64 / self.found.max(1) as f64
    }

    fn recall(&self) -> f64 {
        self.gold_hit as f64 / self.gold.max(1) as f64
    }

    fn f(&self, beta: f64) -> f64 {
        let (p, r) = (self.precision(), self.recall());
        if p + r == 0.0 { 0.0 } else { (1.0 + beta * beta) * p * r / (beta * beta * p + r) }
    }
}

const NAMED: [(EntityKind, &str); 4] = [
    (EntityKind::Person, "PERSON"),
    (EntityKind::Location, "LOCATION"),
    (EntityKind::Organization, "ORG"),
    (EntityKind::Address, "ADDRESS"),
];

/// Prints the scores of held-out groups.
pub(crate) fn evaluate(corpus: &Corpus) {
    let mut counts: BTreeMap<(String, &'static str), Counts> = BTreeMap::new();
    let mut quiet: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let models = std::thread::scope(|scope| {
        let mut models = Vec::new();
        for pair in (0..FOLDS).collect::<Vec<_>>().chunks(2) {
            let running: Vec<_> = pair.iter().map(|&n| scope.spawn(move || train(corpus, Some(n)))).collect();
            models.extend(running.into_iter().map(|thread| thread.join().expect("training does not panic")));
        }
        models
    });
    let errors = std::env::args().any(|argument| argument == "--errors");
    for (number, bytes) in models.iter().enumerate() {
        let tagger = Tagger::decode(bytes).expect("weights that were just packed can be read");
        for line in corpus.lines.iter().filter(|line| held_out(line, number as u64) == Some(true)) {
            let found = tagger.tag(&line.text, &tokenize(&line.text));
            score(line, &found, &mut counts, &mut quiet);
            if errors && line.licensed {
                show(line, &found);
            }
        }
    }
    println!("| set | kind | spans | P | R | F1 | F2 | exact F1 |\n|---|---|---|---|---|---|---|---|");
    for ((set, kind), counts) in &counts {
        let (p, r) = (counts.precision(), counts.recall());
        let exact = 2.0 * counts.exact as f64 / (counts.gold + counts.found).max(1) as f64;
        println!(
            "| {set} | {kind} | {} | {p:.3} | {r:.3} | {:.3} | {:.3} | {exact:.3} |",
            counts.gold,
            counts.f(1.0),
            counts.f(2.0)
        );
    }
    for (set, (texts, still)) in quiet {
        println!("quiet on {set} without spans: {:.3} of {texts}", still as f64 / texts as f64);
    }
}

fn score(
    line: &Line,
    found: &[Entity],
    counts: &mut BTreeMap<(String, &'static str), Counts>,
    quiet: &mut BTreeMap<String, (usize, usize)>,
) {
    let set = if line.set.starts_with("presidio") { "presidio".to_owned() } else { line.set.clone() };
    let gold = |wanted| -> Vec<(usize, usize)> {
        line.spans.iter().filter(|s| kind(&s.2) == Some(wanted)).map(|s| (s.0, s.1)).collect()
    };
    let mine = |wanted| -> Vec<(usize, usize)> {
        found.iter().filter(|e| e.kind == wanted).map(|e| (e.start, e.end)).collect()
    };
    for (wanted, name) in NAMED {
        counts.entry((set.clone(), name)).or_default().add(&gold(wanted), &mine(wanted));
        if wanted != EntityKind::Address {
            counts.entry((set.clone(), "all three")).or_default().add(&gold(wanted), &mine(wanted));
        }
        if set == "synth_pii" && wanted == EntityKind::Person {
            counts.entry((format!("synth_pii {}", line.lang), name)).or_default().add(&gold(wanted), &mine(wanted));
        }
    }
    if line.spans.is_empty() {
        let entry = quiet.entry(set).or_default();
        entry.0 += 1;
        entry.1 += usize::from(found.is_empty());
    }
}

/// Prints what was missed and what was found in vain.
fn show(line: &Line, found: &[Entity]) {
    let mut missed = BTreeSet::new();
    for (start, end, name) in &line.spans {
        let Some(wanted) = kind(name) else { continue };
        if !found.iter().any(|e| e.kind == wanted && e.start < *end && *start < e.end) {
            missed.insert(format!("-{name}:{}", &line.text[*start..*end]));
        }
    }
    for e in found {
        if !line.spans.iter().any(|s| kind(&s.2) == Some(e.kind) && s.0 < e.end && e.start < s.1) {
            missed.insert(format!("+{:?}:{}", e.kind, &line.text[e.start..e.end]));
        }
    }
    if !missed.is_empty() {
        println!("{} {:?} {:.300}", line.set, missed, line.text.replace('\n', "⏎"));
    }
}
