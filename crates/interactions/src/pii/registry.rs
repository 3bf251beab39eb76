//! Every entity type, once, with what follows from it; and the forms of all recognisers, ready for dispatch.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::financial::{bank, card, wallet};
use super::general::{address, age, date, device, email, network, phone, place, url};
use super::labels;
use super::national;
use super::recognizer::{Category, Form, Kind, Recognizer};
use crate::words::Tag;

/// Types that the tagger finds, or that combine others.
pub(crate) const PERSON: Kind = Kind::new("PERSON", Category::Direct, 3);
pub(crate) const ADDRESS: Kind = Kind::new("ADDRESS", Category::Direct, 4);
pub(crate) const LOCATION: Kind = Kind::new("LOCATION", Category::Quasi, 2).of_hipaa();
pub(crate) const ORGANIZATION: Kind = Kind::new("ORGANIZATION", Category::Quasi, 1);
pub(crate) const TRACK_DATA: Kind = Kind::new("TRACK_DATA", Category::Card, 9);

/// Recognisers of a written form, in the order that settles ties: cards, banks and devices before national numbers.
fn recognizers() -> impl Iterator<Item = &'static Recognizer> {
    [card::RECOGNIZERS, bank::RECOGNIZERS, device::RECOGNIZERS]
        .into_iter()
        .chain(national::FAMILIES.iter().copied())
        .flatten()
}

/// Kinds that have code of their own.
const OTHERS: &[Kind] = &[
    PERSON,
    ADDRESS,
    LOCATION,
    ORGANIZATION,
    TRACK_DATA,
    email::EMAIL,
    phone::PHONE,
    phone::FAX,
    network::IP,
    network::MAC,
    bank::IBAN,
    wallet::WALLET,
    date::DATE,
    date::BIRTH,
    age::AGE,
    age::GENDER,
    age::FAMILY,
    place::GPS,
    url::SOCIAL,
];

/// Index of a kind in [`Registry::kinds`].
pub(crate) type KindId = u16;

pub(crate) struct Registry {
    pub(crate) kinds: Vec<Kind>,
    by_name: BTreeMap<&'static str, KindId>,
    pub(crate) recognizers: Vec<(&'static Recognizer, KindId)>,
    /// Forms by the length of their first group.
    forms: Vec<Vec<(Form, usize)>>,
}

pub(crate) static REGISTRY: LazyLock<Registry> = LazyLock::new(build);

impl Registry {
    pub(crate) fn id(&self, name: &str) -> Option<KindId> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn kind(&self, id: KindId) -> Kind {
        self.kinds[usize::from(id)]
    }

    /// Forms whose first group of letters and digits has this length, with the index of their recogniser.
    pub(crate) fn forms(&self, first_group: usize) -> &[(Form, usize)] {
        self.forms.get(first_group).map_or(&[], Vec::as_slice)
    }
}

fn build() -> Registry {
    let mut kinds: Vec<Kind> = Vec::new();
    let mut by_name = BTreeMap::new();
    let labels = labels::LABELS.iter().map(|label| label.kind);
    for kind in OTHERS.iter().copied().chain(recognizers().map(|recognizer| recognizer.kind)).chain(labels) {
        by_name.entry(kind.name).or_insert_with(|| {
            kinds.push(kind);
            (kinds.len() - 1) as KindId
        });
    }
    let recognizers: Vec<_> = recognizers().map(|recognizer| (recognizer, by_name[recognizer.kind.name])).collect();
    let mut forms: Vec<Vec<(Form, usize)>> = Vec::new();
    for (index, (recognizer, _)) in recognizers.iter().enumerate() {
        let distinct = recognizer.distinct.iter().map(|pattern| (pattern, true));
        let bare = recognizer.bare.iter().map(|pattern| (pattern, false));
        for (pattern, distinct) in distinct.chain(bare) {
            let form = Form::new(pattern, distinct);
            let first = form.first_group();
            if forms.len() <= first {
                forms.resize_with(first + 1, Vec::new);
            }
            forms[first].push((form, index));
        }
    }
    Registry { kinds, by_name, recognizers, forms }
}

/// Words near a number that is nobody's.
const REFUSING: &[&str] = &[
    "invoice*",
    "inv.",
    "inv #",
    "order",
    "orders",
    "order no*",
    "order number",
    "ticket*",
    "batch*",
    "lot",
    "lot no*",
    "serial",
    "serial number",
    "sku",
    "part no*",
    "part number",
    "isbn*",
    "issn",
    "version*",
    "ver.",
    "release",
    "build*",
    "firmware*",
    "model",
    "revision",
    "commit",
    "run",
    "error code",
    "error",
    "tracking*",
    "reference",
    "ref",
    "ref.",
    "reference number",
    "transaction*",
    "receipt",
    "rechnung*",
    "rechnungsnummer",
    "auftrag*",
    "bestellung*",
    "bestellnummer",
    "bestell-nr*",
    "auftragsnummer",
    "vorgang*",
    "charge",
    "seriennummer",
    "artikelnummer",
    "facture*",
    "commande*",
    "n° de commande",
    "réf",
    "référence*",
    "numéro de série",
    "factura*",
    "pedido*",
    "número de pedido",
    "referencia*",
    "número de serie",
    "lote",
    "versión",
    "fattura*",
    "ordine*",
    "numero d'ordine",
    "lotto",
    "versione",
    "riferimento",
    "factuur*",
    "bestelling*",
    "bestelnummer",
    "ordernummer",
    "versie",
    "referentie",
    "faktura*",
    "faktury",
    "zamówieni*",
    "numer zamówienia",
    "partia",
    "wersja",
    "fatura*",
    "encomenda*",
    "versão",
    "beställning*",
    "ordernr*",
    "ärende*",
    "versionen",
    "tilaus*",
    "lasku*",
    "ordre*",
    "sipariş*",
    "订单*",
    "订单号",
    "版本",
    "发票",
    "注文番号",
    "注文",
    "バージョン",
    "請求書",
    "주문번호",
    "주문",
    "버전",
    "송장",
    "revenue",
    "population",
    "turnover",
    "page",
    "pages",
    "port",
    "timestamp",
    "row",
    "line",
    "id=",
    "article no*",
    "case no*",
    "flight",
    "product",
    "produkt*",
    "produit",
    "producto",
    "prodotto",
    "productnummer",
    "request id",
    "bug",
    "issue",
    "checksum",
    "md5",
    "sha1",
    "sha256",
    "hash",
];

const CLINICAL: &[&str] = &[
    "patient*",
    "paciente*",
    "pazient*",
    "patiënt*",
    "pacjent*",
    "diagnos*",
    "diagnóstic*",
    "clínic*",
    "clinic*",
    "hospital*",
    "médico*",
    "medical*",
    "ingreso",
    "antecedentes",
    "exploración",
    "tratamiento",
    "treatment*",
    "symptom*",
    "síntoma*",
    "surgery",
    "cirugía",
    "biopsia",
    "biopsy",
    "dosis",
    "dose",
    "mg",
    "anamnes*",
    "admission",
    "discharge",
    "urgencias",
    "enfermedad",
    "lesión",
    "tumor*",
    "klinik*",
    "arzt*",
    "befund*",
    "krankenhaus",
    "hôpital",
    "médecin*",
    "traitement*",
    "ospedale",
    "ziekenhuis",
    "szpital*",
    "lekarz*",
    "sjukhus",
    "läkare",
    "doente",
    "dolor",
    "radiogra*",
    "ecograf*",
    "analítica",
    "postoperatori*",
];

/// Context words of all kinds.
pub(crate) fn words(all: &mut Vec<(&'static str, Tag)>) {
    let registry = &*REGISTRY;
    let mut near = |name: &str, list: &[&'static str]| {
        let id = registry.id(name).expect("the name is a constant of the registry");
        all.extend(list.iter().map(|&word| (word, Tag::Near(id))));
    };
    for (recognizer, _) in &registry.recognizers {
        near(recognizer.kind.name, recognizer.words);
    }
    near(phone::PHONE.name, phone::WORDS);
    near(phone::FAX.name, phone::FAX_WORDS);
    near(network::IP.name, network::IP_WORDS);
    near(bank::IBAN.name, bank::IBAN_WORDS);
    near(wallet::WALLET.name, wallet::WORDS);
    near(date::BIRTH.name, date::BIRTH_WORDS);
    for (month, names) in date::MONTHS {
        all.extend(names.iter().map(|&name| (name, Tag::Month(*month))));
    }
    for (street, words) in address::STREETS {
        all.extend(words.iter().map(|&word| (word, Tag::Street(*street))));
    }
    age::words(all);
    labels::words(all);
    all.extend(REFUSING.iter().map(|&word| (word, Tag::Refuse)));
    all.extend(CLINICAL.iter().map(|&word| (word, Tag::Clinical)));
    all.push(("://", Tag::Scheme));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_ninety_types_and_more_over_twenty_eight_countries() {
        let countries: std::collections::BTreeSet<_> = REGISTRY.kinds.iter().filter_map(|kind| kind.country).collect();
        assert!(REGISTRY.kinds.len() >= 90, "{}", REGISTRY.kinds.len());
        assert!(countries.len() >= 28, "{countries:?}");
    }

    #[test]
    fn a_kind_says_the_same_wherever_it_stands() {
        for (recognizer, id) in &REGISTRY.recognizers {
            assert_eq!(REGISTRY.kind(*id), recognizer.kind, "{}", recognizer.kind.name);
        }
    }

    /// Whether any recogniser of the kind takes the whole value.
    fn passes(kind: &str, value: &str) -> bool {
        let mut compact = super::super::recognizer::Compact::EMPTY;
        REGISTRY.recognizers.iter().filter(|(recognizer, _)| recognizer.kind.name == kind).any(|(recognizer, _)| {
            recognizer.distinct.iter().chain(recognizer.bare).any(|pattern| {
                Form::new(pattern, true).matches(value.as_bytes(), 0, &mut compact) == Some(value.len())
                    && (recognizer.check)(compact.as_bytes())
            })
        })
    }

    #[test]
    fn examples_pass_their_check_and_near_misses_do_not() {
        for (recognizer, _) in &REGISTRY.recognizers {
            let kind = recognizer.kind.name;
            assert!(recognizer.examples.iter().all(|value| passes(kind, value)), "{kind}: {:?}", recognizer.examples);
            assert!(!recognizer.refused.iter().any(|value| passes(kind, value)), "{kind}: {:?}", recognizer.refused);
        }
    }

    #[test]
    fn check_digits_agree_with_a_second_implementation() {
        let table = include_str!("../../fixtures/check_digits.tsv");
        let mut kinds = std::collections::BTreeSet::new();
        let mut differ = Vec::new();
        for line in table.lines().filter(|line| !line.starts_with('#')) {
            let mut cells = line.split('\t');
            let (kind, value, valid) = (cells.next().unwrap(), cells.next().unwrap(), cells.next().unwrap());
            if passes(kind, value) != (valid == "1") {
                differ.push(line);
            }
            kinds.insert(kind);
        }
        assert!(differ.is_empty(), "{differ:#?}");
        assert!(kinds.len() >= 40, "{}", kinds.len());
    }
}
