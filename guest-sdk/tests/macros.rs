//! Mistakes in transforms, and what the compiler says of them.

#[test]
fn mistakes_are_explained_where_they_are() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/macros/*.rs");
}
