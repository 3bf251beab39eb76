//! assize-reports
