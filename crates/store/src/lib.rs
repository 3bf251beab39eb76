//! assize-store
