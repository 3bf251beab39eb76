// Verification in the browser.
