//! The columns of the log: which there are, and which the address asks for.

/// A column beside the submission's id, which is always there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Column {
    Received,
    Status,
    Risk,
    Entities,
    Regulations,
    UseCase,
    Country,
    Model,
    User,
    Person,
    Session,
    Tokens,
    Occurred,
}

impl Column {
    /// All of them, in their order on the page.
    pub(super) const ALL: [Self; 13] = [
        Self::Received,
        Self::Status,
        Self::Risk,
        Self::Entities,
        Self::Regulations,
        Self::UseCase,
        Self::Country,
        Self::Model,
        Self::User,
        Self::Person,
        Self::Session,
        Self::Tokens,
        Self::Occurred,
    ];

    /// Those shown when none are asked for.
    pub(super) const USUAL: [Self; 9] = [
        Self::Received,
        Self::Status,
        Self::Risk,
        Self::Entities,
        Self::Regulations,
        Self::UseCase,
        Self::Country,
        Self::Model,
        Self::User,
    ];

    /// As the address names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Status => "status",
            Self::Risk => "risk",
            Self::Entities => "found",
            Self::Regulations => "regulations",
            Self::UseCase => "use_case",
            Self::Country => "country",
            Self::Model => "model",
            Self::User => "user",
            Self::Person => "person",
            Self::Session => "session",
            Self::Tokens => "tokens",
            Self::Occurred => "occurred",
        }
    }

    /// Its head.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Received => "Received",
            Self::Status => "Status",
            Self::Risk => "Risk",
            Self::Entities => "Found",
            Self::Regulations => "May engage",
            Self::UseCase => "Use case",
            Self::Country => "Country",
            Self::Model => "Model",
            Self::User => "User",
            Self::Person => "Person",
            Self::Session => "Session",
            Self::Tokens => "Tokens",
            Self::Occurred => "Took place",
        }
    }

    /// Whether its cells are numbers.
    pub(super) fn digits(self) -> bool {
        matches!(self, Self::Risk | Self::Tokens)
    }
}

/// The columns that some texts name, with commas or dots between, in the order of the page; the usual ones when they
/// name none.
pub(super) fn chosen<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<Column> {
    let names: Vec<&str> = texts.flat_map(|text| text.split(['.', ','])).collect();
    let chosen: Vec<Column> = Column::ALL.into_iter().filter(|column| names.contains(&column.name())).collect();
    if chosen.is_empty() { Column::USUAL.to_vec() } else { chosen }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_chosen_by_name_and_keep_their_order() {
        assert_eq!(chosen(["risk", "received"].into_iter()), [Column::Received, Column::Risk]);
        assert_eq!(chosen(["tokens.status,none"].into_iter()), [Column::Status, Column::Tokens]);
        assert_eq!(chosen(std::iter::empty()), Column::USUAL);
        assert_eq!(chosen(["<script>"].into_iter()), Column::USUAL);
    }
}
