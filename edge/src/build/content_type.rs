use crate::content_type::extension;

/// The content type that a site blob records for a file: mime_guess by extension, with the web's current names for
/// scripts, and a charset on all text.
#[must_use]
pub fn content_type(path: &str) -> String {
    known_type(path).unwrap_or_else(|| "application/octet-stream".to_owned())
}

/// The content type of a file by its extension; `None` when that says nothing.
pub fn known_type(path: &str) -> Option<String> {
    let lower = extension(path).map(str::to_ascii_lowercase);
    let guessed = match lower.as_deref() {
        Some("js" | "mjs" | "cjs") => "text/javascript",
        Some("map") => "application/json",
        Some("otf") => "font/otf",
        Some("woff") => "font/woff",
        Some("ttf") => "font/ttf",
        // A guess by registered name would call these an obscure DLNA type; what sites ship are HLS segments.
        Some("ts") => "video/mp2t",
        Some(extension) => mime_guess::from_ext(extension).first_raw()?,
        // https://developer.apple.com/documentation/xcode/supporting-associated-domains wants JSON under a bare name.
        None if path == "/.well-known/apple-app-site-association" => "application/json",
        None => return None,
    };
    Some(if guessed.starts_with("text/") { format!("{guessed}; charset=utf-8") } else { guessed.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::content_type;
    use crate::content_type::{ContentType, TABLE};

    #[test]
    fn the_cores_small_table_agrees_with_what_blobs_record() {
        for (extension, expected) in TABLE {
            let path = format!("/folder/file.{extension}");
            assert_eq!((content_type(&path).as_str(), ContentType::of(&path)), (*expected, *expected), "{extension}");
        }
    }

    #[test]
    fn content_types_come_from_the_last_extension() {
        for (path, expected) in [
            ("/a.JS", "text/javascript; charset=utf-8"),
            ("/a.js.map", "application/json"),
            ("/a.tar.gz", "application/gzip"),
            ("/a", "application/octet-stream"),
            ("/.html", "application/octet-stream"),
            ("/a.unheard", "application/octet-stream"),
            ("/v1.2/readme", "application/octet-stream"),
            ("/seg.ts", "video/mp2t"),
            ("/.well-known/apple-app-site-association", "application/json"),
        ] {
            assert_eq!(content_type(path), expected, "{path}");
        }
    }
}
