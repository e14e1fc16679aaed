//! The Pareto front.

/// Which way a quantity is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// A loss, a latency, an amount of memory.
    Lower,
    /// A score.
    Higher,
}

impl Better {
    /// A value such that less of it is better.
    fn cost(self, value: f64) -> f64 {
        match self {
            Self::Lower => value,
            Self::Higher => -value,
        }
    }
}

/// The positions of the points that no other point dominates: none is at least as good in both and better in one. In the
/// order of x, from left to right; points that lie on each other are all in it. Points that are not finite are not.
#[must_use]
pub fn pareto_front(points: &[(f64, f64)], x: Better, y: Better) -> Vec<usize> {
    let cost = |index: &usize| (x.cost(points[*index].0), y.cost(points[*index].1));
    let finite = |index: &usize| points[*index].0.is_finite() && points[*index].1.is_finite();
    let mut order: Vec<usize> = (0..points.len()).filter(finite).collect();
    order.sort_by(|a, b| {
        let (a, b) = (cost(a), cost(b));
        a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
    });
    let mut front: Vec<usize> = Vec::new();
    for index in order {
        let (across, up) = cost(&index);
        let best = front.last().map(cost);
        if best.is_none_or(|best| up < best.1 || (across, up) == best) {
            front.push(index);
        }
    }
    if x == Better::Higher {
        front.reverse();
    }
    front
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_holds_what_nothing_dominates_in_every_direction() {
        use Better::{Higher, Lower};
        let points =
            [(1.0, 1.0), (2.0, 3.0), (3.0, 2.0), (4.0, 4.0), (4.0, 3.5), (2.0, 3.0), (f64::NAN, 9.0)];
        assert_eq!(pareto_front(&points, Lower, Higher), [0, 1, 5, 3]);
        assert_eq!(pareto_front(&points, Higher, Higher), [3]);
        assert_eq!(pareto_front(&points, Lower, Lower), [0]);
        assert_eq!(pareto_front(&points, Higher, Lower), [0, 2, 4]);
        assert_eq!(pareto_front(&[], Lower, Lower), Vec::<usize>::new());
    }

    #[test]
    fn the_front_is_what_comparing_all_pairs_gives() {
        // A few hundred points on a small grid, so that there are ties; drawn by a linear congruence.
        let mut state = 1u64;
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 % 40.0
        };
        let points: Vec<(f64, f64)> = (0..300).map(|_| (draw(), draw() + draw())).collect();
        for (x, y) in [(Better::Lower, Better::Higher), (Better::Higher, Better::Lower)] {
            let dominates = |a: (f64, f64), b: (f64, f64)| {
                let (a, b) = ((x.cost(a.0), y.cost(a.1)), (x.cost(b.0), y.cost(b.1)));
                a.0 <= b.0 && a.1 <= b.1 && a != b
            };
            let mut all: Vec<usize> =
                (0..points.len()).filter(|&i| !points.iter().any(|&p| dominates(p, points[i]))).collect();
            let mut front = pareto_front(&points, x, y);
            assert!(front.windows(2).all(|pair| points[pair[0]].0 <= points[pair[1]].0));
            all.sort_unstable();
            front.sort_unstable();
            assert_eq!(front, all);
        }
    }
}
