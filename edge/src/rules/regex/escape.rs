//! What follows a backslash, and the names of groups.

use super::char_set::CharSet;
use super::parse::{Parser, SyntaxError};

/// The meaning of an escape.
pub(super) enum Escape {
    Char(char),
    Set { set: CharSet, negative: bool },
    Boundary { negative: bool },
    Reference(u32),
}

impl Escape {
    /// The characters of a class member.
    pub fn set(&self) -> CharSet {
        match self {
            Self::Char(char) => CharSet::of_char(*char),
            Self::Set { set, negative: true } => set.negated(),
            Self::Set { set, negative: false } => set.clone(),
            Self::Boundary { .. } | Self::Reference(_) => CharSet::default(),
        }
    }
}

/// How many groups a text has, and their names: references may come before the group that they name.
pub(super) struct GroupNames(Vec<Option<String>>);

impl GroupNames {
    pub fn scan(chars: &[char]) -> Self {
        let mut groups = Vec::new();
        let mut in_class = false;
        let mut at = 0;
        while let Some(char) = chars.get(at) {
            at += 1;
            match char {
                '\\' => at += 1,
                '[' => in_class = true,
                ']' => in_class = false,
                '(' if !in_class => match chars.get(at..).unwrap_or_default() {
                    ['?', '<', '=' | '!', ..] => {}
                    ['?', '<', name @ ..] => groups.push(Some(name.iter().take_while(|char| **char != '>').collect())),
                    ['?', ..] => {}
                    _ => groups.push(None),
                },
                _ => {}
            }
        }
        Self(groups)
    }

    fn any_named(&self) -> bool {
        self.0.iter().any(Option::is_some)
    }

    fn number_of(&self, name: &str) -> Option<u32> {
        let index = self.0.iter().position(|group| group.as_deref() == Some(name))?;
        u32::try_from(index + 1).ok()
    }

    fn count(&self) -> usize {
        self.0.len()
    }
}

impl Parser<'_> {
    /// Reads what follows a backslash.
    pub fn escape(&mut self, in_class: bool) -> Result<Escape, SyntaxError> {
        let start = self.at;
        let Some(char) = self.next() else {
            return Err(self.error("\\ at end of pattern"));
        };
        if let Some(set) = CharSet::of_escape(char) {
            return Ok(Escape::Set { set, negative: char.is_ascii_uppercase() });
        }
        Ok(Escape::Char(match char {
            'b' if in_class => '\u{8}',
            'b' | 'B' if !in_class => {
                return Ok(Escape::Boundary { negative: char == 'B' });
            }
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'c' => self.control(in_class),
            'x' => self.hexadecimal(2).and_then(char::from_u32).unwrap_or('x'),
            'u' => self.code_unit(),
            'k' if self.names.any_named() && in_class => {
                return Err(self.error("invalid named reference"));
            }
            'k' if self.names.any_named() => return self.named_reference(),
            '1'..='9' if !in_class => {
                self.at = start;
                if let Some(group) = self.numbered_reference() {
                    return Ok(Escape::Reference(group));
                }
                self.octal_or_digit()
            }
            '0'..='9' => {
                self.at = start;
                self.octal_or_digit()
            }
            _ => char,
        }))
    }

    /// `\cA`; a `\c` that nothing valid follows is a plain backslash, and the `c` is read again.
    fn control(&mut self, in_class: bool) -> char {
        match self.peek() {
            Some(letter) if letter.is_ascii_alphabetic() || in_class && (letter.is_ascii_digit() || letter == '_') => {
                self.at += 1;
                char::from(letter as u8 & 0x1f)
            }
            _ => {
                self.at -= 1;
                '\\'
            }
        }
    }

    fn hexadecimal(&mut self, digits: usize) -> Option<u32> {
        let text = self.chars.get(self.at..self.at + digits)?;
        let number = text.iter().try_fold(0, |number, char| Some(number * 16 + char.to_digit(16)?))?;
        self.at += digits;
        Some(number)
    }

    /// `\uHHHH`, or two of them that make a pair. Half a pair stands for nothing that text can hold.
    fn code_unit(&mut self) -> char {
        let Some(high) = self.hexadecimal(4) else {
            return 'u';
        };
        if (0xd800..0xdc00).contains(&high) {
            let back = self.at;
            if self.take("\\u")
                && let Some(low @ 0xdc00..0xe000) = self.hexadecimal(4)
            {
                let code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                return char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
            }
            self.at = back;
        }
        char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    fn numbered_reference(&mut self) -> Option<u32> {
        let back = self.at;
        let mut number: usize = 0;
        while let Some(digit) = self.peek().and_then(|char| char.to_digit(10)) {
            number = number.saturating_mul(10).saturating_add(digit as usize);
            self.at += 1;
        }
        if number <= self.names.count() {
            return u32::try_from(number).ok();
        }
        self.at = back;
        None
    }

    /// Up to three octal digits below 256, or the digit itself for 8 and 9.
    fn octal_or_digit(&mut self) -> char {
        let mut number = None;
        for _ in 0..3 {
            let Some(digit) = self.peek().and_then(|char| char.to_digit(8)) else {
                break;
            };
            let next = number.unwrap_or(0) * 8 + digit;
            if next > 0o377 {
                break;
            }
            number = Some(next);
            self.at += 1;
        }
        match number {
            Some(number) => char::from_u32(number).unwrap_or('\0'),
            None => self.next().unwrap_or('\\'),
        }
    }

    fn named_reference(&mut self) -> Result<Escape, SyntaxError> {
        if !self.take("<") {
            return Err(self.error("invalid named reference"));
        }
        let name = self.group_name()?;
        let number = self.names.number_of(&name).ok_or_else(|| self.error("unknown group name"))?;
        Ok(Escape::Reference(number))
    }

    /// Reads a group's name and the `>` behind it.
    pub fn group_name(&mut self) -> Result<String, SyntaxError> {
        let mut name = String::new();
        loop {
            match self.next() {
                Some('>') if !name.is_empty() => return Ok(name),
                Some(char) if is_name_char(char, name.is_empty()) => name.push(char),
                _ => return Err(self.error("invalid group name")),
            }
        }
    }
}

fn is_name_char(char: char, first: bool) -> bool {
    matches!(char, '$' | '_') || if first { char.is_alphabetic() } else { char.is_alphanumeric() }
}
