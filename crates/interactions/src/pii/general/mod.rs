//! What is found in any country: mail and network addresses, telephone numbers, devices, dates, ages, places on a map.

pub(crate) mod address;
pub(super) mod age;
pub(super) mod date;
pub(super) mod device;
pub(super) mod email;
pub(super) mod network;
pub(super) mod phone;
pub(super) mod place;
pub(super) mod url;
