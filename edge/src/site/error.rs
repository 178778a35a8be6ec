//! What is wrong with a blob.

/// Why bytes are no site blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteError {
    /// The bytes don't begin as a blob does, or end early or late.
    Shape,
    /// A version, or a section that may not be skipped, which this crate does not know.
    Version,
    /// The bytes do not match their checksum.
    Checksum,
    /// A section is missing, lies outside the bytes or has a wrong length.
    Section,
}

impl core::fmt::Display for SiteError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Shape => "not a site blob, or not a whole one",
            Self::Version => "the site blob is of a version that is not known here",
            Self::Checksum => "the site blob does not match its checksum",
            Self::Section => "a section of the site blob is missing or does not fit",
        })
    }
}

impl core::error::Error for SiteError {}
