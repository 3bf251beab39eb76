//! The engine as callers see it: worked examples of the taxonomy, properties of safe versions and spans, hostile texts.

mod examples;
mod hostile;
mod properties;

use assize_interactions::tagger::Tagger;
use assize_interactions::{Engine, Interaction, Rules, Text};

/// Rules alone, and rules with the tagger.
fn engines() -> [Engine<'static>; 2] {
    [Engine::new(None, None), Engine::new(Some(Tagger::embedded()), None)]
}

fn exchange(input: &str, output: &str, country: &str, use_case: &str) -> Interaction {
    Interaction {
        input: Text { country: country.to_owned(), ..Text::plain(input) },
        output: Text { country: "global".to_owned(), ..Text::plain(output) },
        use_case: use_case.to_owned(),
        date: "2026-11-21".to_owned(),
    }
}

fn rules() -> Rules {
    Rules::default()
}
