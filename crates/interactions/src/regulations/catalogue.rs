//! The catalogues, parsed once from the files that ship with the product.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

macro_rules! catalogue_files {
    ($($name:literal),* $(,)?) => { &[$(include_str!(concat!("../../../../data/catalogs/", $name, ".toml"))),*] };
}

/// Every file of controls.
const FILES: &[&str] = catalogue_files!(
    "br_lgpd",
    "ca_pipeda",
    "cn_genai",
    "eu_ai_act",
    "gdpr",
    "hipaa",
    "in_dpdp",
    "iso_42001",
    "jp_ai_act",
    "kr_ai_basic_act",
    "nist_ai_600_1",
    "nist_ai_rmf",
    "pci_dss",
    "sg_model_ai",
    "uk_gdpr",
    "us_ca_ccpa",
    "us_ca_feha_ads",
    "us_co_admt",
    "us_coppa",
    "us_ecoa_regb",
    "us_eeoc_ugesp",
    "us_fcra",
    "us_il_hb3773",
    "us_nyc_ll144",
    "us_state_chatbot",
);
const JURISDICTIONS: &str = include_str!("../../../../data/catalogs/tables/jurisdictions.toml");
const TRIGGERS: &str = include_str!("../../../../data/catalogs/tables/interaction_triggers.toml");

#[derive(Debug, Deserialize)]
pub(crate) struct Catalogue {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) jurisdiction: Vec<String>,
    #[serde(default)]
    pub(crate) countries: Vec<String>,
    #[serde(rename = "control")]
    pub(crate) controls: Vec<Control>,
    /// From the table of jurisdictions: sectors it is limited to.
    #[serde(default)]
    pub(crate) domains: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Control {
    pub(crate) code: String,
    pub(crate) title: String,
    pub(crate) severity: String,
    pub(crate) remediation: String,
    pub(crate) reference: String,
    #[serde(default)]
    pub(crate) from: Option<String>,
    #[serde(default)]
    pub(crate) confidence: Option<String>,
    /// State a control of a file of several states belongs to (from its code).
    #[serde(default)]
    pub(crate) region: Option<String>,
}

#[derive(Deserialize)]
struct Jurisdictions {
    country: Vec<CountryRow>,
    applies: Vec<Applies>,
    domain: Vec<Domain>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct CountryRow {
    pub(crate) code: String,
    pub(crate) names: Vec<String>,
    pub(crate) groups: Vec<String>,
    #[serde(default)]
    pub(crate) eea_adequate: bool,
}

#[derive(Deserialize)]
struct Applies {
    catalogue: String,
    countries: Vec<String>,
    domains: Vec<String>,
}

#[derive(Deserialize)]
struct Domain {
    id: String,
    words: Vec<String>,
}

#[derive(Deserialize)]
struct Triggers {
    fact: Vec<Fact>,
    trigger: Vec<Trigger>,
}

#[derive(Deserialize)]
struct Fact {
    id: String,
    says: String,
}

#[derive(Deserialize)]
struct Trigger {
    code: String,
    when: Vec<String>,
}

pub(crate) struct Catalogues {
    pub(crate) all: Vec<Catalogue>,
    pub(crate) countries: Vec<CountryRow>,
    pub(crate) domains: Vec<(&'static str, Vec<String>)>,
    /// Code to its alternatives, each a list of facts that must all hold.
    pub(crate) triggers: BTreeMap<String, Vec<Vec<String>>>,
    pub(crate) facts: Vec<(String, String)>,
}

pub(crate) static CATALOGUES: LazyLock<Catalogues> = LazyLock::new(load);

impl Catalogues {
    /// A fact in plain words.
    pub(crate) fn says(&self, fact: &str) -> &str {
        let exact = self.facts.iter().find(|(id, _)| id == fact);
        let general = || self.facts.iter().find(|(id, _)| super::glob(id, fact));
        exact.or_else(general).map_or("a rule found evidence", |(_, says)| says)
    }
}

fn load() -> Catalogues {
    const SHIPPED: &str = "the files are part of the program, and a test reads them";
    let jurisdictions: Jurisdictions = toml::from_str(JURISDICTIONS).expect(SHIPPED);
    let triggers: Triggers = toml::from_str(TRIGGERS).expect(SHIPPED);
    let mut all: Vec<Catalogue> = FILES.iter().map(|file| toml::from_str(file).expect(SHIPPED)).collect();
    all.sort_by(|a, b| a.id.cmp(&b.id));
    for catalogue in &mut all {
        for applies in jurisdictions.applies.iter().filter(|applies| applies.catalogue == catalogue.id) {
            catalogue.countries.clone_from(&applies.countries);
            catalogue.domains.clone_from(&applies.domains);
        }
        let several = catalogue.jurisdiction.len() > 1;
        for control in &mut catalogue.controls {
            // `USBOT-CA-17941`, `CA-QC-12.1`: the state or province is the second part of the code.
            let state = control
                .code
                .split('-')
                .nth(1)
                .filter(|part| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_uppercase()));
            control.region = match state {
                Some(state) if several => Some(format!("US-{state}")),
                Some("QC") => Some("CA-QC".to_owned()),
                _ => None,
            };
        }
    }
    let mut by_code: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    for trigger in triggers.trigger {
        by_code.entry(trigger.code).or_default().push(trigger.when);
    }
    let domains = jurisdictions.domain.into_iter().map(|domain| (&*domain.id.leak(), domain.words)).collect();
    let facts = triggers.fact.into_iter().map(|fact| (fact.id, fact.says)).collect();
    Catalogues { all, countries: jurisdictions.country, domains, triggers: by_code, facts }
}
