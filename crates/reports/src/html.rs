//! The certificate page.

use askama::Template;

use crate::shell::Head;
use crate::view::CertificateView;

#[derive(Template)]
#[template(path = "certificate.html")]
struct CertificateTemplate<'a> {
    id: &'a str,
    model: &'a str,
    head: Head<'a>,
}

/// Renders the public page of a certificate: a whole document, readable without JavaScript.
pub fn certificate_html(view: &CertificateView<'_>) -> String {
    let template = CertificateTemplate {
        id: &view.body.certificate_id,
        model: &view.body.model_name,
        head: Head::new(view.assets),
    };
    template.render().expect("writing to a string cannot fail and the template calls nothing fallible")
}
