//! Which file and line a rule stands on, kept behind the rules for people to read. The routine never looks at it.
//!
//! A line is a `u32`: the number of its file in the high byte, 0 when it is not known, and the line in the rest. Images
//! without room for it in their rules end with one for each rule, in their order, and a mark.

/// The files that rules come from.
const FILES: [&str; 7] =
    ["_headers", "_redirects", "firebase.json", "miaobu.json", "netlify.toml", "serve.json", "vercel.json"];
const FILE_SHIFT: u32 = 24;
const MARK: [u8; 4] = *b"line";

/// Where a rule stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "explain", derive(serde::Serialize))]
pub struct SourceLine {
    /// The file's name, such as `_redirects`.
    pub file: &'static str,
    /// The line, counted from 1; `None` when only the file is known.
    pub line: Option<u32>,
}

/// A line of a file as it is kept.
#[cfg(feature = "build")]
#[must_use]
pub fn kept(file: &str, line: u32) -> u32 {
    let file = FILES.iter().position(|known| *known == file).map_or(0, |place| place as u32 + 1);
    file << FILE_SHIFT | line.min((1 << FILE_SHIFT) - 1)
}

/// The line that a kept line says; `None` when only its file is known.
#[cfg(any(feature = "build", feature = "explain"))]
#[must_use]
pub fn number(kept: u32) -> Option<u32> {
    Some(kept & ((1 << FILE_SHIFT) - 1)).filter(|line| *line > 0)
}

/// What a kept line says; `None` when its file is not known.
#[cfg(feature = "explain")]
#[must_use]
pub fn read(kept: u32) -> Option<SourceLine> {
    let file = FILES.get((kept >> FILE_SHIFT).checked_sub(1)? as usize)?;
    Some(SourceLine { file, line: number(kept) })
}

/// Ends an image with the lines of its rules.
#[cfg(feature = "build")]
pub(super) fn append(image: &mut Vec<u8>, lines: &[u32]) {
    if lines.iter().any(|line| *line > 0) {
        image.extend(lines.iter().flat_map(|line| line.to_le_bytes()));
        image.extend(MARK);
    }
}

/// The line of the rule `number` of the `count` in an image.
#[cfg(feature = "explain")]
pub(super) fn of(image: &[u8], count: u16, number: u16) -> Option<SourceLine> {
    let lines = image.strip_suffix(&MARK)?;
    let start = lines.len().checked_sub(usize::from(count).checked_mul(4)?)?;
    let at = start.checked_add(usize::from(number).checked_mul(4)?)?;
    read(super::bytes::u32_at(lines, at).filter(|_| number < count)?)
}

#[cfg(all(test, feature = "build", feature = "explain"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_back() {
        for (file, line, expected) in
            [("_redirects", 3, Some(3)), ("vercel.json", 0, None), ("_headers", 1 << 25, Some(0xff_ffff))]
        {
            let read = read(kept(file, line)).unwrap();
            assert_eq!((read.file, read.line), (file, expected));
        }
        assert_eq!(read(kept("other", 3)), None);
    }

    #[test]
    fn an_image_without_lines_has_none() {
        let mut image = vec![1, 2, 3];
        append(&mut image, &[0, 0]);
        assert_eq!(image, [1, 2, 3]);
        assert_eq!(of(&image, 2, 0), None);
        append(&mut image, &[kept("_headers", 7), kept("_headers", 9)]);
        assert_eq!(of(&image, 2, 1).unwrap().line, Some(9));
        assert_eq!(of(&image, 2, 2), None);
        assert_eq!(of(&image, u16::MAX, 0), None);
    }
}
