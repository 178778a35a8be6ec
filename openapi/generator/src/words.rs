//! Names in the forms that languages want.

/// What Go writes in capitals.
const INITIALISMS: [&str; 16] = [
    "api", "cname", "cpu", "dns", "html", "http", "icp", "id", "ip", "json", "sha", "sha256", "ssl", "txt", "url",
    "uri",
];

/// Splits `getDeploymentLogs`, `created_at` and `404_page` into their words, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for letter in name.chars() {
        let separates = !letter.is_ascii_alphanumeric();
        if (separates || letter.is_ascii_uppercase()) && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| !separates) {
            word.push(letter.to_ascii_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Returns `name` as Go writes what other packages may use: `GetDeploymentLogs`, `DeploymentID`.
pub fn exported(name: &str) -> String {
    words(name).iter().map(|word| capital(word)).collect()
}

/// Returns `name` as Go writes a parameter: `deploymentID`, `sha256`.
pub fn parameter(name: &str) -> String {
    let words = words(name);
    let first = words.first().cloned().unwrap_or_default();
    let rest: String = words.iter().skip(1).map(|word| capital(word)).collect();
    match format!("{first}{rest}").as_str() {
        reserved @ ("type" | "range" | "func" | "map" | "var" | "options" | "body") => format!("{reserved}Value"),
        name => name.to_owned(),
    }
}

/// Returns `name` as TypeScript writes a variable or a method: `deploymentId`.
pub fn camel(name: &str) -> String {
    let words = words(name);
    words.iter().take(1).cloned().chain(words.iter().skip(1).map(|word| raised(word))).collect()
}

/// Returns `name` as Python writes a variable or a function: `create_project`. A name of the wire stays as it is.
pub fn snake(name: &str) -> String {
    if name.chars().any(|letter| letter.is_ascii_uppercase()) { words(name).join("_") } else { name.to_owned() }
}

fn capital(word: &str) -> String {
    if INITIALISMS.contains(&word) {
        return word.to_ascii_uppercase();
    }
    raised(word)
}

fn raised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_take_the_form_of_each_language() {
        assert_eq!(exported("getDeploymentLogs"), "GetDeploymentLogs");
        assert_eq!(exported("active_deployment_id"), "ActiveDeploymentID");
        assert_eq!(exported("404_page"), "404Page");
        assert_eq!(parameter("deployment_id"), "deploymentID");
        assert_eq!(camel("deployment_id"), "deploymentId");
        assert_eq!(snake("createProject"), "create_project");
        assert_eq!(parameter("type"), "typeValue");
    }
}
