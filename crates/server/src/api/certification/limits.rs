//! The bounds that this interface documents or that its form needs. Sizes that an operator may set are in
//! `config::Limits`.

/// Parts of a form, files included: the document names nine, the extras seven, and a client may add its own.
pub(crate) const FORM_PARTS_MAX: usize = 64;

/// Name of an uploaded file, in characters; longer names are cut at the front.
pub(crate) const FILE_NAME_CHARS_MAX: usize = 120;

/// Seconds that a refused upload is still read, so that the client gets to read the refusal.
pub(crate) const DRAIN_S: u64 = 2;

/// Seconds between two comments that keep an event stream open through proxies.
pub(crate) const EVENT_KEEPALIVE_S: u64 = 15;

/// Seconds after which a client may try again when every upload permit is taken.
pub(crate) const RETRY_AFTER_BUSY_S: u64 = 5;

/// Seconds after which a client may try again when the disk is full.
pub(crate) const RETRY_AFTER_FULL_DISK_S: u64 = 60;
