// Page conveniences.
