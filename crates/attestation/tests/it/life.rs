//! The life of a certificate.
