//! assize-attestation
