// The numbers of edge/src/wasm.rs, by which the shim and the core understand each other.

/** In place of a record's handle. A handle of 0 means that the stored bytes are damaged. */
export const UNKNOWN = 0xffffffff;
export const UNAVAILABLE = 0xfffffffe;

export const SERVE = 1;
export const PROBE = 2;
export const PROXY = 3;
export const ANSWER = 4;
export const READ_FORM = 5;
export const SHARD = 6;

export const STORAGE_UNAVAILABLE = 0;
export const OBJECT_MISSING = 1;
export const FUNCTION_UNREACHABLE = 2;
export const FUNCTION_TIMED_OUT = 3;
export const NOT_AN_IMAGE = 4;

export const OTHER_METHOD = 3;
export const METHOD_MASK = 3;
export const HEAD = 1;
export const FLAG_SECURE = 1 << 2;
export const FLAG_DEPLOYMENT_HEADER = 1 << 3;
// Of ordinary requests only: whether there is a tag, above that bit its coding, then whether the words are to
// say what is served, and whether nothing is to be told at a glance.
export const FLAG_TAG = 1 << 4;
export const TAG_CODING_SHIFT = 5;
export const FLAG_TELL = 1 << 7;
export const FLAG_FURTHER = 1 << 8;
/** The method, and whether it came over TLS. */
export const FLAGS_OF_TARGETS = 7;

// What `ordinary` returns begins with one of these in its two low bits; 0 is none of them.
export const ORDINARY_MASK = 3;
export const ORDINARY_FILE = 1;
export const ORDINARY_REDIRECT = 2;
export const REDIRECT_EXTERNAL = 1 << 2;
export const FILE_HELD = 1 << 5;

// Places of the words that the core writes.
export const STATUS = 1;
export const HEADER_SET = 2;
export const FORM = 3;
export const STEM_LENGTH = 4;
export const SIZE = 5;
export const TAG_HIGH = 6;
export const TAG_LOW = 7;
export const TEXT_LENGTH = 8;
export const RANGE_START = 9;
export const RANGE_END = 10;
export const RULES = 11;
export const WORDS = 12;

export const NONE = 0xffffffff;
