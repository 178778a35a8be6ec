#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| miaobu_edge_fuzz::shards(data));
