//! Labels of hostnames in ASCII (RFC 3492).

/// The ASCII form of a label, with its `xn--`; `None` when it is too long to have one.
pub(super) fn encode_label(label: &str) -> Option<String> {
    if label.is_ascii() {
        return Some(label.to_owned());
    }
    let mut ascii: String = label.chars().filter(char::is_ascii).collect();
    let basic = u32::try_from(ascii.len()).ok()?;
    if basic > 0 {
        ascii.push('-');
    }
    let length = u32::try_from(label.chars().count()).ok()?;
    let (mut code, mut delta, mut bias, mut done) = (0x80_u32, 0_u32, 72, basic);
    while done < length {
        let next = label.chars().map(u32::from).filter(|char| *char >= code).min()?;
        delta = delta.checked_add((next - code).checked_mul(done + 1)?)?;
        code = next;
        for char in label.chars().map(u32::from) {
            if char < code {
                delta = delta.checked_add(1)?;
            }
            if char == code {
                push_number(&mut ascii, delta, bias);
                bias = adapted(delta, done + 1, done == basic);
                delta = 0;
                done += 1;
            }
        }
        delta = delta.checked_add(1)?;
        code += 1;
    }
    Some(format!("xn--{ascii}"))
}

fn push_number(ascii: &mut String, mut number: u32, bias: u32) {
    for place in (36_u32..).step_by(36) {
        let threshold = place.saturating_sub(bias).clamp(1, 26);
        let digit = |value: u32| char::from_digit(value, 36).unwrap_or('0');
        // Punycode's digits are a to z, then 0 to 9.
        let letter = |value: u32| {
            if value < 26 { digit(value + 10) } else { digit(value - 26) }
        };
        if number < threshold {
            ascii.push(letter(number));
            return;
        }
        ascii.push(letter(threshold + (number - threshold) % (36 - threshold)));
        number = (number - threshold) / (36 - threshold);
    }
}

fn adapted(delta: u32, points: u32, first: bool) -> u32 {
    let mut delta = if first { delta / 700 } else { delta / 2 };
    delta += delta / points;
    let mut bias = 0;
    while delta > 455 {
        delta /= 35;
        bias += 36;
    }
    bias + 36 * delta / (delta + 38)
}
