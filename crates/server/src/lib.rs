//! assize-server
