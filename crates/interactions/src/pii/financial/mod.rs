//! Money: payment cards, bank accounts, wallets.

pub(super) mod bank;
pub(super) mod card;
pub(super) mod wallet;
