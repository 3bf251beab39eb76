//! What the safety classifiers are trained on and how they are scored.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use assize_interactions::safety::{Category, Classifiers, Score};
use assize_interactions::tokens::{sentences, tokenize};
use assize_interactions::training::{LabelledText, Rng, SafetyOptions, choose, train_safety};

use crate::data::{self, FOLDS, Line, fold};

/// Everything the classifiers learn from.
pub(crate) struct Corpus {
    lines: Vec<Line>,
    /// Sentences of documents that instruct nobody.
    prose: Vec<String>,
    prompts: Vec<Prompt>,
}

/// A line of the grammar of requests.
struct Prompt {
    /// None: an everyday text.
    category: Option<Category>,
    applies: bool,
    pattern: String,
    /// From the grammar of other languages.
    foreign: bool,
}

impl Prompt {
    /// How much its texts count for hazards, which hardly any language has in the data but those of `prompts.txt`.
    fn hazards(&self) -> f32 {
        if self.foreign { 0.02 } else { 0.1 }
    }
}

fn category(label: &str) -> Option<Category> {
    Category::ALL.into_iter().find(|category| category.label() == label)
}

impl Corpus {
    /// Reads data sets and the grammar.
    pub(crate) fn read(folder: &Path, own: &Path) -> anyhow::Result<Corpus> {
        let mut lines = Vec::new();
        for name in ["safety.jsonl", "harmful_requests.jsonl", "injection.jsonl"] {
            lines.extend(data::read(folder, name)?);
        }
        regroup(&mut lines);
        let mut prose = Vec::new();
        for line in data::read(folder, "ner.jsonl")?.into_iter().chain(data::read(folder, "pii_meddocan.jsonl")?) {
            match line.set.as_str() {
                "wikigold" | "wnut17" if fold(&line.text) < 2 => prose.push(line.text),
                "meddocan" => prose.extend(line.text.lines().step_by(7).map(str::to_owned)),
                _ => {}
            }
        }
        let mut prompts = Vec::new();
        for (name, foreign) in [("prompts.txt", false), ("prompts_languages.txt", true)] {
            let text = std::fs::read_to_string(own.join(name)).with_context(|| format!("reading {name}"))?;
            for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
                let (head, pattern) = line.split_once(' ').with_context(|| format!("a line of {name}: {line}"))?;
                let (label, sign) = head.split_at(head.len() - 1);
                let category = match label {
                    "everyday" => None,
                    label => Some(category(label).with_context(|| format!("no label {label}"))?),
                };
                prompts.push(Prompt { category, applies: sign == "+", pattern: pattern.to_owned(), foreign });
            }
        }
        Ok(Corpus { lines, prose, prompts })
    }
}

/// HateCheck lines that fill one template follow each other: they share most words and become one group.
fn regroup(lines: &mut [Line]) {
    let mut last: Option<(String, Vec<String>, String)> = None;
    for line in lines.iter_mut().filter(|line| line.set.ends_with("hatecheck")) {
        let words: Vec<String> = line.group.split(' ').map(str::to_owned).collect();
        let kind = format!("{} {}", line.lang, line.json["meta"]["functionality"]);
        let same = last.as_ref().is_some_and(|(last_kind, last_words, _)| {
            let shared = words.iter().filter(|word| last_words.contains(word)).count();
            *last_kind == kind && 4 * shared >= words.len() + last_words.len()
        });
        let group = if same { last.as_ref().map_or(String::new(), |l| l.2.clone()) } else { line.group.clone() };
        line.group.clone_from(&group);
        last = Some((kind, words, group));
    }
}

const MODERATION: [Category; 9] = [
    Category::Hate,
    Category::HateThreatening,
    Category::Harassment,
    Category::Violence,
    Category::ViolenceGraphic,
    Category::SelfHarm,
    Category::Sexual,
    Category::SexualMinors,
    Category::Toxic,
];
const HAZARDS: [Category; 12] = [
    Category::S1,
    Category::S2,
    Category::S3,
    Category::S4,
    Category::S5,
    Category::S6,
    Category::S7,
    Category::S8,
    Category::S9,
    Category::S10,
    Category::S11,
    Category::S12,
];
const ATTACKS: [Category; 3] = [Category::Injection, Category::Jailbreak, Category::PromptLeak];

/// The hazard that a category of another request set stands for.
fn hazard(line: &Line) -> Option<Category> {
    let meta = |name: &str| line.json["meta"][name].as_str().unwrap_or_default();
    Some(match (line.set.as_str(), meta("category"), meta("sub"), meta("semantic")) {
        ("catqa", "Physical Harm", "Self-harm", _) => Category::S11,
        ("catqa", "Physical Harm", "Weapon making", _) => Category::S1,
        ("catqa", "Child Abuse", "Content Sexual exploitation" | "Online predation", _) => Category::S4,
        ("catqa", "Child Abuse" | "Hate/Harass/Violence", "Physical abuse" | "Gender-based violence", _) => {
            Category::S1
        }
        ("catqa", "Physical Harm", "Assault and battery", _) => Category::S1,
        ("catqa", "Hate/Harass/Violence", "Religious intolerance" | "Racial or ethnic hate", _) => Category::S10,
        ("catqa", "Privacy Violation Activity", _, _) => Category::S7,
        ("catqa", "Adult Content", _, _) | ("strongreject", "Sexual content", _, _) => Category::S12,
        ("catqa", "Economic Harm", "Intellectual property theft", _) | ("harmbench", _, _, "copyright") => Category::S8,
        ("catqa", "Tailored Financial Advice", _, _) => Category::S6,
        ("catqa", "Illegal Activity" | "Fraud/Deception" | "Economic Harm" | "Malware Viruses", _, _) => Category::S2,
        ("strongreject", "Non-violent crimes" | "Illegal goods and services", _, _) => Category::S2,
        ("harmbench", _, _, "illegal" | "cybercrime_intrusion") => Category::S2,
        ("strongreject", "Violence", _, _) => Category::S1,
        ("strongreject", "Hate, harassment and discrimination", _, _) => Category::S10,
        ("harmbench", _, _, "chemical_biological") => Category::S9,
        ("simple_safety_tests", "Child safety", _, _) => Category::S4,
        ("simple_safety_tests", "Suicide, Self-Harm, and Eating Disorders", _, _) => Category::S11,
        ("simple_safety_tests", "Physical harm and Violence", _, _) => Category::S1,
        ("simple_safety_tests", "Scams and fraud", _, _) => Category::S2,
        _ => return None,
    })
}

fn known(line: &Line, wanted: Category) -> Option<bool> {
    let label = line.json["labels"][wanted.label()].as_u64().map(|value| value == 1);
    match (line.set.as_str(), wanted) {
        // A prompt of the hazard set has one hazard, so the others are absent.
        ("ailuminate_demo", hazard) if HAZARDS.contains(&hazard) => Some(label == Some(true)),
        _ => label,
    }
}

fn is_benign(set: &str) -> bool {
    matches!(set, "self_instruct" | "self_instruct_seed" | "self_instruct_user" | "purplellama_frr" | "notinject")
}

/// Labels of a line with their weights: those it states, and those its set implies.
fn labels(line: &Line) -> Vec<(Category, bool, f32)> {
    let mut labels: BTreeMap<Category, (bool, f32)> = BTreeMap::new();
    let set = line.set.as_str();
    let weight = match set {
        "openai_moderation" => 3.0,
        "xstest" => 4.0,
        "notinject" | "bipia_email_clean" => 2.0,
        "multilingual_hatecheck" => 0.7,
        _ => 1.0,
    };
    for wanted in Category::ALL {
        // Of an e-mail only the sentence put into it is an injection (`indirect`).
        let inserted = wanted == Category::Indirect || line.set == "bipia_email_attack";
        if let Some(applies) = known(line, wanted).filter(|_| !inserted) {
            // Thirty-seven texts have it: a model this small must stay simple (held out, .44 with the weight of the set).
            let weight = if wanted == Category::SexualMinors { 0.15 } else { weight };
            labels.insert(wanted, (applies, weight));
        }
    }
    let mut imply = |categories: &[Category], applies: bool, weight: f32| {
        for &category in categories {
            labels.entry(category).or_insert((applies, weight));
        }
    };
    if let Some(hazard) = hazard(line) {
        imply(&[hazard], true, 0.1);
    }
    let benign = is_benign(set) || (set == "xstest" && known(line, Category::HarmfulRequest) == Some(false));
    if benign {
        imply(&MODERATION, false, 0.1);
        imply(&HAZARDS, false, 0.15);
        imply(&ATTACKS, false, 1.0);
        imply(&[Category::HarmfulRequest], false, 1.0);
    } else if matches!(set, "ailuminate_demo" | "harmbench" | "advbench" | "catqa" | "harmfulqa" | "xstest") {
        imply(&ATTACKS, false, 0.3);
    }
    if set == "hatecheck" {
        let threat = line.json["meta"]["functionality"].as_str().is_some_and(|name| name.starts_with("threat"));
        imply(&[Category::HateThreatening, Category::Violence], threat, 0.3);
    }
    labels.into_iter().map(|(category, (applies, weight))| (category, applies, weight)).collect()
}

fn number(group: &str) -> u64 {
    fold(&format!("calibration {group}"))
}

/// An e-mail without the sentence put into it: what its fold goes by.
fn document(line: &Line) -> Option<String> {
    line.set.starts_with("bipia").then(|| {
        let mut text = line.text.clone();
        if let Some((start, end, _)) = line.spans.first() {
            text.replace_range(*start..*end, "");
        }
        text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
    })
}

fn attack_kind(line: &Line) -> Option<&str> {
    line.json["meta"]["attack"].as_str()
}

/// Is the line held out in this fold? An e-mail with an attack is, when both its text and its attack's kind are; it is
/// trained on when neither is.
fn held_out(line: &Line, number: u64) -> Option<bool> {
    match (document(line), attack_kind(line)) {
        (Some(document), Some(attack)) => {
            let (document, attack) = (fold(&document) == number, fold(attack) == number);
            if document == attack { Some(document) } else { None }
        }
        (Some(document), None) => Some(fold(&document) == number),
        _ => Some(fold(&line.group) == number),
    }
}

/// Trains on everything, or on everything outside of one fold.
pub(crate) fn train(corpus: &Corpus, without: Option<u64>) -> Vec<u8> {
    let mut texts = Vec::new();
    for line in &corpus.lines {
        if !line.licensed || without.is_some_and(|number| held_out(line, number) != Some(false)) {
            continue;
        }
        let calibrates = match line.set.as_str() {
            "xstest" => 8.0,
            "notinject" => 4.0,
            "davidson_tweets" | "multilingual_hatecheck" => 0.3,
            _ => 1.0,
        };
        texts.push(LabelledText {
            text: line.text.clone(),
            labels: labels(line),
            source: line.set.clone(),
            group: number(&line.group),
            calibrates,
            innocent: is_benign(&line.set),
        });
        indirect(line, &mut texts);
    }
    let mut rng = Rng::new(23);
    for text in &corpus.prose {
        let labels = vec![(Category::Indirect, false, 0.5), (Category::HarmfulRequest, false, 0.3)];
        let group = number(text);
        texts.push(LabelledText {
            text: text.clone(),
            labels,
            source: "prose".into(),
            group,
            calibrates: 0.2,
            innocent: true,
        });
    }
    for prompt in &corpus.prompts {
        let (pattern, applies) = (&prompt.pattern, prompt.applies);
        let alternatives = pattern.matches('|').count();
        for _ in 0..PROMPTS.max(PROMPTS_FOR_ALTERNATIVE * alternatives) {
            let text = choose(pattern, &mut rng);
            let labels = match prompt.category {
                None => everyday(prompt),
                Some(Category::HarmfulRequest) => vec![(Category::HarmfulRequest, applies, 2.0)],
                Some(Category::PromptLeak) => attack(prompt, &[Category::PromptLeak, Category::Injection]),
                Some(Category::Injection) => attack(prompt, &[Category::Injection]),
                Some(category) => vec![(category, applies, 0.5)],
            };
            texts.push(LabelledText {
                group: number(&text),
                source: "prompts".into(),
                text,
                labels,
                calibrates: 0.0,
                innocent: false,
            });
        }
    }
    train_safety(&texts, &SafetyOptions::default())
}

/// Texts per pattern of the grammar, at least, and for each of its alternatives.
const PROMPTS: usize = 24;
const PROMPTS_FOR_ALTERNATIVE: usize = 2;

/// What is known of a text of which nothing is to be reported.
fn everyday(prompt: &Prompt) -> Vec<(Category, bool, f32)> {
    let absent = |categories: &'static [Category], weight: f32| categories.iter().map(move |&c| (c, false, weight));
    // Of most languages there are attacks in the data and nothing else.
    let attacks = if prompt.foreign { 1.0 } else { 0.3 };
    let requests = absent(&[Category::HarmfulRequest], 2.0).chain(absent(&ATTACKS, attacks));
    requests.chain(absent(&HAZARDS, prompt.hazards())).chain(absent(&MODERATION, 0.5 * prompt.hazards())).collect()
}

/// An attack on the assistant asks for nothing that does harm to somebody: it has no hazard.
fn attack(prompt: &Prompt, categories: &[Category]) -> Vec<(Category, bool, f32)> {
    let attacks = categories.iter().map(|&category| (category, prompt.applies, 0.5));
    attacks.chain(HAZARDS.map(|hazard| (hazard, false, prompt.hazards()))).collect()
}

/// Sentences for the classifier of instructions inside documents.
fn indirect(line: &Line, texts: &mut Vec<LabelledText>) {
    let sentence = |text: &str, applies: bool, weight: f32, calibrates: f32| LabelledText {
        text: text.to_owned(),
        labels: vec![(Category::Indirect, applies, weight)],
        source: format!("{} sentences", line.set),
        group: number(text),
        calibrates,
        innocent: false,
    };
    match line.set.as_str() {
        "bipia_email_attack" | "bipia_email_clean" => {
            let mut innocent = line.text.clone();
            if let Some((start, end, _)) = line.spans.first() {
                innocent.replace_range(*start..*end, "");
            }
            let labels = ATTACKS.into_iter().map(|attack| (attack, false, 0.3)).collect();
            texts.push(LabelledText {
                text: innocent,
                labels,
                source: line.set.clone(),
                group: number(&line.text),
                calibrates: 0.3,
                innocent: true,
            });
            let tokens = tokenize(&line.text);
            for unit in sentences(&line.text, &tokens) {
                let (start, end) = (tokens[unit.start].start, tokens[unit.end - 1].end);
                let inside = line.spans.iter().any(|span| start < span.1 && span.0 < end);
                texts.push(sentence(&line.text[start..end], inside, 1.0, 1.0));
            }
        }
        "self_instruct" | "self_instruct_seed" | "self_instruct_user" => {
            let mut lines = line.text.lines();
            texts.push(sentence(lines.next().unwrap_or_default(), true, 0.5, 0.0));
            for rest in lines.filter(|rest| rest.len() > 40) {
                texts.push(sentence(rest, false, 0.3, 0.0));
            }
        }
        "advbench" | "garak_sysprompt" | "strongreject" => texts.push(sentence(&line.text, true, 0.5, 0.0)),
        "openai_moderation" => texts.push(sentence(&line.text, false, 0.3, 0.0)),
        _ => {}
    }
}

/// A held-out line's scores.
struct Scored<'l> {
    line: &'l Line,
    scores: Vec<Score>,
}

impl Scored<'_> {
    fn of(&self, category: Category) -> f32 {
        self.scores[category as usize].probability
    }
}

/// Area under the precision-recall curve (average precision), and the number of positives.
fn average_precision(points: &mut [(f32, bool)]) -> (f64, usize) {
    points.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut hits, mut sum, mut at) = (0usize, 0.0, 0);
    while at < points.len() {
        // Equal scores count together.
        let end = points[at..].iter().take_while(|p| p.0 == points[at].0).count() + at;
        let more = points[at..end].iter().filter(|p| p.1).count();
        hits += more;
        sum += more as f64 * hits as f64 / end as f64;
        at = end;
    }
    (sum / hits.max(1) as f64, hits)
}

/// Share of scores that reach a threshold.
fn flagged(scores: &[f32], threshold: f32) -> f64 {
    scores.iter().filter(|score| **score >= threshold).count() as f64 / scores.len().max(1) as f64
}

/// The threshold that flags this share.
fn threshold(scores: &[f32], share: f64) -> f32 {
    let mut sorted = scores.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    sorted.get((share * sorted.len() as f64).ceil() as usize - 1).copied().unwrap_or(0.0)
}

/// Prints the scores of held-out groups.
pub(crate) fn evaluate(corpus: &Corpus) {
    let models = std::thread::scope(|scope| {
        let mut models = Vec::new();
        for pair in (0..FOLDS).collect::<Vec<_>>().chunks(2) {
            let running: Vec<_> = pair.iter().map(|&n| scope.spawn(move || train(corpus, Some(n)))).collect();
            models.extend(running.into_iter().map(|thread| thread.join().expect("training does not panic")));
        }
        models
    });
    let mut scored = Vec::new();
    for (number, bytes) in models.iter().enumerate() {
        let classifiers = Classifiers::decode(bytes).expect("weights that were just packed can be read");
        for line in corpus.lines.iter().filter(|line| held_out(line, number as u64) == Some(true)) {
            scored.push(Scored { line, scores: classifiers.score(&line.text, &tokenize(&line.text)) });
        }
    }
    print_precision(&scored);
    print_operating_points(&scored);
}

fn print_precision(scored: &[Scored<'_>]) {
    println!("| category | sets | texts | with it | AUPRC |\n|---|---|---|---|---|");
    let print = |category: Category, name: &str, wanted: &dyn Fn(&str) -> bool| {
        let mut points: Vec<(f32, bool)> = scored
            .iter()
            .filter(|s| wanted(&s.line.set))
            .filter_map(|s| Some((s.of(category), known(s.line, category)?)))
            .collect();
        let texts = points.len();
        let (area, positives) = average_precision(&mut points);
        println!("| {} | {name} | {texts} | {positives} | {area:.3} |", category.label());
    };
    for category in MODERATION.into_iter().filter(|c| *c != Category::Toxic) {
        print(category, "openai", &|set| set == "openai_moderation");
    }
    print(Category::Hate, "all", &|_| true);
    for set in ["davidson_tweets", "hatecheck", "multilingual_hatecheck", "stormfront"] {
        print(Category::Hate, set, &|name| name == set);
    }
    print(Category::Toxic, "all", &|_| true);
    for set in ["davidson_tweets", "germeval2018", "surge_toxicity"] {
        print(Category::Toxic, set, &|name| name == set);
    }
    print(Category::HarmfulRequest, "all", &|_| true);
    print(Category::HarmfulRequest, "xstest", &|set| set == "xstest");
    for hazard in HAZARDS {
        print(hazard, "ailuminate", &|set| set == "ailuminate_demo");
    }
    print(Category::Injection, "all", &|_| true);
    print(Category::Injection, "bipia", &|set| set.starts_with("bipia"));
}

fn print_operating_points(scored: &[Scored<'_>]) {
    let pick = |category: Category, wanted: &dyn Fn(&Line) -> bool| -> Vec<f32> {
        scored.iter().filter(|s| wanted(s.line)).map(|s| s.of(category)).collect()
    };
    let harmful = |line: &Line| known(line, Category::HarmfulRequest) == Some(true);
    let safe = pick(Category::HarmfulRequest, &|line| line.set == "xstest" && !harmful(line));
    let contrast = pick(Category::HarmfulRequest, &|line| line.set == "xstest" && harmful(line));
    let all = pick(Category::HarmfulRequest, &harmful);
    let plain =
        pick(Category::HarmfulRequest, &|line| is_benign(&line.set) && line.json["labels"]["harmful_request"].is_u64());
    println!(
        "harmful request at 0.5: xstest safe flagged {:.3}, xstest harmful found {:.3}, all harmful found {:.3}, benign flagged {:.3}",
        flagged(&safe, 0.5),
        flagged(&contrast, 0.5),
        flagged(&all, 0.5),
        flagged(&plain, 0.5),
    );
    let (own, pooled) = (threshold(&contrast, 0.8), threshold(&all, 0.8));
    println!(
        "xstest safe flagged at recall .80: {:.3} of xstest's harmful (p {own:.3}), {:.3} of all harmful (p {pooled:.3})",
        flagged(&safe, own),
        flagged(&safe, pooled),
    );
    let not_email = |line: &Line| !line.set.starts_with("bipia");
    let injected = |line: &Line| known(line, Category::Injection) == Some(true);
    let innocent = pick(Category::Injection, &|line| line.set == "notinject");
    let attacks = pick(Category::Injection, &|line| injected(line) && not_email(line));
    let every = pick(Category::Injection, &|line| injected(line));
    let five = threshold(&innocent, 0.05);
    println!(
        "injection at 0.5: notinject flagged {:.3}, found {:.3} (without e-mails {:.3}); at notinject .05 (p {five:.3}): found {:.3} ({:.3})",
        flagged(&innocent, 0.5),
        flagged(&every, 0.5),
        flagged(&attacks, 0.5),
        flagged(&every, five),
        flagged(&attacks, five),
    );
    for set in
        ["inthewild_jailbreak", "garak_sysprompt", "purplellama_injection", "purplellama_injection_ml", "self_instruct"]
    {
        let scores = pick(Category::Injection, &|line| line.set == set);
        println!("  {set}: flagged as injection at 0.5 {:.3} of {}", flagged(&scores, 0.5), scores.len());
    }
    if std::env::args().any(|argument| argument == "--errors") {
        for s in scored.iter().filter(|s| s.line.set.starts_with("bipia")) {
            let score = &s.scores[Category::Indirect as usize];
            let attack = s.line.spans.first().map(|span| &s.line.text[span.0..span.1]);
            println!("{:.3} {attack:?} {:?}", score.probability, &s.line.text[score.start..score.end]);
        }
        for s in scored.iter().filter(|s| s.line.set == "xstest" || s.line.set == "notinject") {
            let category = if s.line.set == "xstest" { Category::HarmfulRequest } else { Category::Injection };
            println!("{:.3} {:?} {}", s.of(category), known(s.line, category), s.line.text);
        }
    }
    let flags = |s: &&Scored<'_>| s.scores.iter().any(|score| score.probability >= 0.5);
    for set in ["self_instruct", "self_instruct_user", "notinject", "purplellama_frr", "bipia_email_clean"] {
        let texts: Vec<&Scored<'_>> = scored.iter().filter(|s| s.line.set == set).collect();
        let names: Vec<String> = Category::ALL
            .into_iter()
            .map(|c| (c, texts.iter().filter(|s| s.of(c) >= 0.5).count()))
            .filter(|(_, count)| *count > 0)
            .map(|(c, count)| format!("{} {count}", c.label()))
            .collect();
        let any = texts.iter().filter(|s| flags(s)).count();
        println!("  {set}: {any} of {} flagged for anything: {}", texts.len(), names.join(", "));
    }
    let clean = pick(Category::Indirect, &|line| line.set == "bipia_email_clean");
    let emails = pick(Category::Indirect, &|line| line.set == "bipia_email_attack");
    let clean_any = pick(Category::Injection, &|line| line.set == "bipia_email_clean");
    let emails_any = pick(Category::Injection, &|line| line.set == "bipia_email_attack");
    println!(
        "indirect at 0.5: clean e-mails flagged {:.3} of {}, attacks found {:.3} of {}; as injection {:.3}, {:.3}",
        flagged(&clean, 0.5),
        clean.len(),
        flagged(&emails, 0.5),
        emails.len(),
        flagged(&clean_any, 0.5),
        flagged(&emails_any, 0.5),
    );
    for share in [0.05, 0.1, 0.2] {
        let p = threshold(&clean, share);
        println!("  attacks found where clean flagged is {share}: {:.3} (p {p:.3})", flagged(&emails, p));
    }
}
