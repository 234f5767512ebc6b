#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| logaudit_fuzz::bodies::waiver_comments(bytes));
