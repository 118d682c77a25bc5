//! The k-core of users and items.

use super::Interactions;

/// Removes the interactions of users and items with fewer than `k`, until none are left that have
/// fewer, and reports what went.
pub(crate) fn keep_k_core(interactions: &mut Interactions, k: u32) {
    let before = Size::of(interactions);
    loop {
        let (users, items) = degrees(interactions);
        let all = interactions.events.len();
        interactions
            .events
            .retain(|event| users[event.user as usize] >= k && items[event.item as usize] >= k);
        if interactions.events.len() == all {
            break;
        }
    }
    let after = Size::of(interactions);
    let report = &mut interactions.report;
    for (what, before, after) in [
        ("users outside the k-core", before.users, after.users),
        ("items outside the k-core", before.items, after.items),
        (
            "interactions outside the k-core",
            before.events,
            after.events,
        ),
    ] {
        report.drop(what, before - after, before, None);
    }
}

/// Returns the number of interactions of each user and each item.
fn degrees(interactions: &Interactions) -> (Vec<u32>, Vec<u32>) {
    let mut users = vec![0; interactions.users.len()];
    let mut items = vec![0; interactions.items.len()];
    for event in &interactions.events {
        users[event.user as usize] += 1;
        items[event.item as usize] += 1;
    }
    (users, items)
}

struct Size {
    users: usize,
    items: usize,
    events: usize,
}

impl Size {
    fn of(interactions: &Interactions) -> Self {
        let (users, items) = degrees(interactions);
        let present = |degrees: Vec<u32>| degrees.into_iter().filter(|&n| n > 0).count();
        Size {
            users: present(users),
            items: present(items),
            events: interactions.events.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::interactions;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_chain_falls_apart_and_a_square_stays() {
        let square = [(0, 0), (0, 1), (1, 0), (1, 1)];
        let chain = [(1, 2), (2, 2), (2, 3), (3, 3)];
        let pairs: Vec<_> = square
            .iter()
            .chain(&chain)
            .map(|&(u, i)| (u, i, 0))
            .collect();
        let mut data = interactions(&pairs);
        keep_k_core(&mut data, 2);
        assert_eq!(data.events, interactions(&pairs[..4]).events);
        assert_eq!(data.report.get("users outside the k-core"), Some(2));
        assert_eq!(data.report.get("items outside the k-core"), Some(2));
        assert_eq!(data.report.get("interactions outside the k-core"), Some(4));
    }

    proptest! {
        #[test]
        fn all_that_stay_have_k_and_it_is_the_largest_such_set(
            pairs in prop::collection::vec((0u32..8, 0u32..8, Just(0i64)), 0..60), k in 0u32..5
        ) {
            let mut data = interactions(&pairs);
            let all = data.events.clone();
            keep_k_core(&mut data, k);
            let (users, items) = degrees(&data);
            prop_assert!(users.iter().chain(&items).all(|&n| n == 0 || n >= k));
            // Removing one interaction at a time, in any order, must end at the same set.
            let mut slowly = interactions(&pairs);
            loop {
                let (users, items) = degrees(&slowly);
                let poor = slowly.events.iter().rposition(|event| {
                    users[event.user as usize].min(items[event.item as usize]) < k
                });
                match poor {
                    Some(at) => slowly.events.remove(at),
                    None => break,
                };
            }
            prop_assert_eq!(&slowly.events, &data.events);
            prop_assert!(data.events.len() <= all.len());
        }
    }
}
