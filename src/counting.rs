//! Counts in words, for everything that speaks to people.

/// `1 row`, `3 rows`.
pub fn count(n: usize, noun: &str) -> String {
    count_of(n, noun, &format!("{noun}s"))
}

/// `1 family`, `3 families`: where a plural takes more than an `s`.
pub fn count_of(n: usize, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}

/// `1 row is`, `3 rows are`.
pub fn count_is(n: usize, noun: &str) -> String {
    format!("{} {}", count(n, noun), if n == 1 { "is" } else { "are" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_of_something_is_in_the_singular() {
        let rows = [0, 1, 2].map(|n| count(n, "row"));
        assert_eq!(rows, ["0 rows", "1 row", "2 rows"]);
        let families = [1, 3].map(|n| count_of(n, "family", "families"));
        assert_eq!(families, ["1 family", "3 families"]);
        assert_eq!([1, 3].map(|n| count_is(n, "row")), ["1 row is", "3 rows are"]);
    }
}
