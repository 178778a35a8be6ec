//! Requests for sites of every kind.

use super::answers::check;
use super::sites::deployments;
use miaobu_edge::{Lookup, Method, Request};

/// The first byte names the site, the next the method; then come lines: the target, then header fields `name:value`, with
/// `:host` and `:country` as in the routine.
pub fn request(data: &[u8]) {
    let (site, rest) = super::choose(data);
    let (method, rest) = super::choose(rest);
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let mut lines = text.split('\n');
    let all = deployments();
    let Some(deployment) = all.get(site % all.len()) else { return };
    let methods = ["GET", "HEAD", "OPTIONS", "POST"];
    let method = methods.get(method % methods.len()).copied().unwrap_or("GET");
    let mut request = Request::new(Method::parse(method), "docs.localhost", lines.next().unwrap_or_default());
    for line in lines {
        // The pseudo-fields begin with the colon that ends a field's name.
        let Some(at) = line.char_indices().skip(1).find_map(|(at, char)| (char == ':').then_some(at)) else { continue };
        let (name, value) = (&line[..at], &line[at + 1..]);
        match name {
            ":host" => request.host = value,
            ":country" => request.country = Some(value),
            ":client" => request.client_address = Some(value),
            ":secure" => request.secure = true,
            name => {
                request.header(name, value);
                let named = deployment.site.iter().flat_map(|site| site.field_names()).any(|known| known == name);
                if named {
                    request.named_field(name, value);
                }
            }
        }
    }
    let lookup = Lookup::Found { record: &deployment.record, site: deployment.site.as_ref() };
    check(&deployment.record, &lookup, &request);
    check(&deployment.record, &Lookup::Unknown, &request);
}
