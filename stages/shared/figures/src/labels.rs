//! Labels beside points, where they cover nothing.

use crate::svg::Anchor;

/// A rectangle in a picture: left, top, right, bottom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rect {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) right: f64,
    pub(crate) bottom: f64,
}

impl Rect {
    pub(crate) fn around((x, y): (f64, f64), radius: f64) -> Self {
        Self { left: x - radius, top: y - radius, right: x + radius, bottom: y + radius }
    }

    /// Around a line, which is upright or level.
    pub(crate) fn line(a: (f64, f64), b: (f64, f64), radius: f64) -> Self {
        let (left, right) = (a.0.min(b.0) - radius, a.0.max(b.0) + radius);
        Self { left, right, top: a.1.min(b.1) - radius, bottom: a.1.max(b.1) + radius }
    }

    fn meets(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    fn within(&self, other: &Self) -> bool {
        self.left >= other.left
            && self.right <= other.right
            && self.top >= other.top
            && self.bottom <= other.bottom
    }
}

/// Where a label is set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed {
    /// The position of its anchor on its base line.
    pub(crate) at: (f64, f64),
    pub(crate) anchor: Anchor,
    /// From where to where a thin line leads to its point, for one that lies far from it.
    pub(crate) leader: Option<((f64, f64), (f64, f64))>,
}

/// Distances from a point at which its label is tried.
const DISTANCES: [f64; 4] = [9.0, 20.0, 32.0, 46.0];

/// A place for each label beside its point, on the side of `free` first (signs of x and y), that meets no obstacle and no
/// label before it and stays in `bounds`. None where there is no such place.
pub(crate) fn place(
    points: &[(f64, f64)],
    widths: &[f64],
    size: f64,
    obstacles: &[Rect],
    bounds: Rect,
    free: (f64, f64),
) -> Vec<Option<Placed>> {
    let (fx, fy) = free;
    let directions =
        [(fx, fy), (fx, 0.0), (0.0, fy), (-fx, fy), (fx, -fy), (-fx, 0.0), (0.0, -fy), (-fx, -fy)];
    let mut taken: Vec<Rect> = obstacles.to_vec();
    let mut placed = Vec::new();
    for (&point, &width) in points.iter().zip(widths) {
        let tried = DISTANCES.iter().flat_map(|distance| directions.map(|direction| (*distance, direction)));
        let candidates =
            tried.map(|(distance, direction)| candidate(point, width, size, distance, direction));
        let clear = |room: &Rect| taken.iter().all(|other| !room.meets(other));
        let fits = |(room, place): &(Rect, Placed)| {
            room.within(&bounds)
                && clear(room)
                && place.leader.is_none_or(|line| rooms(line).all(|room| clear(&room)))
        };
        let found = candidates.into_iter().find(fits);
        if let Some((room, place)) = &found {
            taken.push(*room);
            taken.extend(place.leader.into_iter().flat_map(rooms));
        }
        placed.push(found.map(|(_, place)| place));
    }
    placed
}

/// The rooms that a thin line takes, one after the other.
fn rooms((from, to): ((f64, f64), (f64, f64))) -> impl Iterator<Item = Rect> {
    let steps = ((to.0 - from.0).hypot(to.1 - from.1) / 3.0).ceil().max(1.0);
    (0..=steps as usize).map(move |step| {
        let part = step as f64 / steps;
        Rect::around((from.0 + part * (to.0 - from.0), from.1 + part * (to.1 - from.1)), 1.5)
    })
}

fn candidate(
    (x, y): (f64, f64),
    width: f64,
    size: f64,
    distance: f64,
    (across, up): (f64, f64),
) -> (Rect, Placed) {
    // Level with its point a label needs no room above; on a diagonal it may come nearer.
    let reach = if across != 0.0 && up != 0.0 { distance * 0.75 } else { distance };
    let near = (x + across * reach, y + up * reach);
    let (anchor, left) = match across {
        a if a < 0.0 => (Anchor::End, near.0 - width),
        a if a > 0.0 => (Anchor::Start, near.0),
        _ => (Anchor::Middle, near.0 - width / 2.0),
    };
    let base = match up {
        u if u < 0.0 => near.1,
        u if u > 0.0 => near.1 + size * 0.75,
        _ => near.1 + size * 0.35,
    };
    let room = Rect {
        left: left - 2.0,
        top: base - size * 0.85,
        right: left + width + 2.0,
        bottom: base + size * 0.3,
    };
    let far = distance > DISTANCES[0];
    let toward =
        |part: f64, sign: f64| part + sign * 10.0 * if across != 0.0 && up != 0.0 { 0.75 } else { 1.0 };
    let end = (x + across * (reach - 3.0), y + up * (reach - 3.0));
    let leader = far.then(|| ((toward(x, across), toward(y, up)), end));
    (room, Placed { at: (near.0, base), anchor, leader })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_points_that_lie_close_cover_neither_each_other_nor_the_points() {
        let points: Vec<(f64, f64)> =
            (0..8).map(|i| (200.0 + 14.0 * f64::from(i), 200.0 - 9.0 * f64::from(i))).collect();
        let bounds = Rect { left: 0.0, top: 0.0, right: 400.0, bottom: 300.0 };
        let dots: Vec<Rect> = points.iter().map(|point| Rect::around(*point, 5.0)).collect();
        let widths = vec![60.0; points.len()];
        let placed = place(&points, &widths, 11.0, &dots, bounds, (-1.0, -1.0));
        assert!(placed.iter().flatten().count() >= 6, "{placed:?}");
        let rooms: Vec<Rect> = placed.iter().flatten().map(|place| room(place, 60.0)).collect();
        for (index, one) in rooms.iter().enumerate() {
            assert!(one.within(&bounds) && dots.iter().all(|dot| !one.meets(dot)), "{one:?}");
            assert!(rooms[index + 1..].iter().all(|other| !one.meets(other)), "{one:?}");
        }
    }

    fn room(place: &Placed, width: f64) -> Rect {
        let left = match place.anchor {
            Anchor::Start => place.at.0,
            Anchor::Middle => place.at.0 - width / 2.0,
            Anchor::End => place.at.0 - width,
        };
        Rect { left, right: left + width, top: place.at.1 - 8.0, bottom: place.at.1 + 2.0 }
    }

    #[test]
    fn a_label_without_room_is_left_out() {
        let bounds = Rect { left: 0.0, top: 0.0, right: 50.0, bottom: 50.0 };
        assert!(place(&[(25.0, 25.0)], &[80.0], 11.0, &[], bounds, (-1.0, -1.0))[0].is_none());
    }
}
