//! How the objective responds to the level, judged by a few probes.

use std::ops::Range;

/// What a probe tells.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Probe {
    /// Its place among the levels of its method, from 0.
    pub position: usize,
    /// The epochs that were averaged, from 0.
    pub epochs: Range<usize>,
    /// The objective over them; the lower, the better. Finite.
    pub value: f64,
}

/// The second half of the epochs from `onset` (from 0) until `end`, at least the last of them.
pub(super) fn window(onset: usize, end: usize) -> Option<Range<usize>> {
    let from = onset + end.checked_sub(onset)? / 2;
    (onset < end).then(|| from.min(end - 1)..end)
}

/// Best first; the lower level first where they tie.
pub(super) fn ranked(probes: &[Probe]) -> Vec<&Probe> {
    let mut ranked: Vec<_> = probes.iter().collect();
    ranked.sort_by(|a, b| a.value.total_cmp(&b.value).then(a.position.cmp(&b.position)));
    ranked
}

/// The best probe.
pub(super) fn lowest(probes: &[Probe]) -> Option<&Probe> {
    ranked(probes).first().copied()
}

/// The best probe elsewhere than at `position`.
pub(super) fn next(probes: &[Probe], position: usize) -> Option<&Probe> {
    ranked(probes).into_iter().find(|probe| probe.position != position)
}

/// The place, between the best probe's neighbours, at which the parabola through the three is
/// lowest. None if the best probe has no neighbour on one of its sides.
pub(super) fn vertex(probes: &[Probe]) -> Option<usize> {
    let best = lowest(probes)?;
    let below = probes.iter().rfind(|probe| probe.position < best.position)?;
    let above = probes.iter().find(|probe| probe.position > best.position)?;
    let at = |probe: &Probe| probe.position as f64 - best.position as f64;
    let (left, right) = (at(below), at(above));
    let (rise_left, rise_right) = (below.value - best.value, above.value - best.value);
    // y = a·x² + c·x through (left, rise_left), (0, 0) and (right, rise_right).
    let a = (rise_right / right - rise_left / left) / (right - left);
    let c = rise_left / left - a * left;
    if a <= 0.0 {
        return None;
    }
    let lowest = (-c / (2.0 * a)).round().clamp(left, right);
    Some((best.position as f64 + lowest) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn probes(values: &[(usize, f64)]) -> Vec<Probe> {
        values.iter().map(|&(position, value)| Probe { position, epochs: 0..1, value }).collect()
    }

    #[test]
    fn the_vertex_of_a_parabola_is_found_between_probes() {
        let value = |x: usize| (x as f64 - 9.0).powi(2);
        let at = |positions: &[usize]| {
            vertex(&probes(&positions.iter().map(|&x| (x, value(x))).collect::<Vec<_>>()))
        };
        assert_eq!(at(&[0, 6, 13, 19]), Some(9));
        assert_eq!(at(&[0, 9, 19]), Some(9));
        assert_eq!(at(&[0, 6]), None, "the best probe is at an end");
        assert_eq!(at(&[]), None);
    }

    #[test]
    fn a_flat_response_has_no_vertex() {
        assert_eq!(vertex(&probes(&[(0, 1.0), (6, 1.0), (13, 1.0)])), None);
    }

    #[test]
    fn the_window_is_the_second_half_since_onset() {
        assert_eq!(window(10, 25), Some(17..25));
        assert_eq!(window(10, 12), Some(11..12));
        assert_eq!(window(10, 11), Some(10..11));
        assert_eq!(window(10, 10), None);
        assert_eq!(window(10, 9), None);
    }

    proptest! {
        #[test]
        fn the_vertex_lies_between_the_best_probes_neighbours(
            values in proptest::collection::vec(0.0f64..10.0, 3..8), stride in 1usize..9
        ) {
            let probes = probes(&values.iter().enumerate().map(|(i, &v)| (i * stride, v)).collect::<Vec<_>>());
            let best = lowest(&probes).unwrap().position;
            if let Some(vertex) = vertex(&probes) {
                prop_assert!(vertex.abs_diff(best) <= stride);
            }
        }
    }
}
