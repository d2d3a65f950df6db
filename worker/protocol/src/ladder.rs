//! The ladder of levels: the arms of a method in the order of their flood levels.
//!
//! Arms are told apart by the name of their method. What stands for an arm (its index, its place in a
//! list) is up to the caller, and so is whether plain is among them: it has no level, so it is alone.

use crate::method::Method;

/// The ladders that arms make: all levels of a method are one, rising; each arm without a level is one
/// of its own. Ladders stand in the order of their first arms as these are given, so a level that was
/// added behind all others joins the ladder of its method where that stands.
pub fn ladders<T>(arms: impl IntoIterator<Item = (T, Method)>) -> Vec<Vec<T>> {
    let alike = |a: Method, b: Method| a.level().is_some() && a.name() == b.name();
    sorted(grouped(arms, alike))
}

/// All arms, method by method in the order of their first arms as these are given, each method's by
/// level. The order stays the same whether a level was there from the start or was added later.
pub fn by_method_and_level<T>(arms: impl IntoIterator<Item = (T, Method)>) -> Vec<T> {
    let alike = |a: Method, b: Method| a.name() == b.name();
    sorted(grouped(arms, alike)).into_iter().flatten().collect()
}

/// Arms that are alike, in the order of the first of each group.
fn grouped<T>(
    arms: impl IntoIterator<Item = (T, Method)>,
    alike: impl Fn(Method, Method) -> bool,
) -> Vec<Vec<(T, Method)>> {
    let mut groups: Vec<Vec<(T, Method)>> = vec![];
    for (arm, method) in arms {
        match groups.iter_mut().find(|group| alike(method, group[0].1)) {
            Some(group) => group.push((arm, method)),
            None => groups.push(vec![(arm, method)]),
        }
    }
    groups
}

/// Each group by level; where levels are equal, or there are none, in the order given.
fn sorted<T>(groups: Vec<Vec<(T, Method)>>) -> Vec<Vec<T>> {
    let level = |(_, method): &(T, Method)| method.level().unwrap_or(0.0);
    let rising = |mut group: Vec<(T, Method)>| {
        group.sort_by(|a, b| level(a).total_cmp(&level(b)));
        group.into_iter().map(|(arm, _)| arm).collect()
    };
    groups.into_iter().map(rising).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flood(b: f64) -> Method {
        Method::Flood { b }
    }

    fn softad(b: f64) -> Method {
        Method::Softad { b }
    }

    fn penalty(lambda: f64) -> Method {
        Method::GradientPenalty { lambda, rho: 0.05 }
    }

    fn ladders_of(methods: &[Method]) -> Vec<Vec<usize>> {
        ladders(methods.iter().copied().enumerate())
    }

    fn order_of(methods: &[Method]) -> Vec<usize> {
        by_method_and_level(methods.iter().copied().enumerate())
    }

    #[test]
    fn the_levels_of_a_method_are_one_ladder_and_plain_is_alone() {
        let methods = [Method::Plain, flood(0.1), flood(0.2), softad(0.1), softad(0.2)];
        assert_eq!(ladders_of(&methods), [vec![0], vec![1, 2], vec![3, 4]]);
        assert_eq!(ladders_of(&methods[1..]), [vec![0, 1], vec![2, 3]]);
        assert_eq!(ladders_of(&[]), [[0; 0]; 0]);
    }

    #[test]
    fn levels_that_were_added_later_stand_where_they_belong() {
        let added = [flood(0.05), flood(0.3), softad(0.05), softad(0.3)];
        let methods = [&[Method::Plain, flood(0.1), flood(0.2), softad(0.1)], &added[..]].concat();
        assert_eq!(ladders_of(&methods), [vec![0], vec![4, 1, 2, 5], vec![6, 3, 7]]);
        assert_eq!(order_of(&methods), [0, 4, 1, 2, 5, 6, 3, 7]);
    }

    #[test]
    fn arms_without_a_level_are_ladders_of_their_own_where_they_stand() {
        let methods = [Method::Plain, penalty(0.1), flood(0.1), penalty(0.01), flood(0.05)];
        assert_eq!(ladders_of(&methods), [vec![0], vec![1], vec![4, 2], vec![3]]);
    }

    #[test]
    fn in_the_order_of_all_arms_those_of_a_method_stand_together() {
        let methods = [Method::Plain, penalty(0.1), flood(0.1), penalty(0.01), flood(0.05)];
        assert_eq!(order_of(&methods), [0, 1, 3, 4, 2]);
    }

    #[test]
    fn equal_levels_keep_the_order_in_which_they_are_given() {
        assert_eq!(ladders_of(&[flood(0.2), flood(0.1), flood(0.2)]), [[1, 0, 2]]);
    }
}
