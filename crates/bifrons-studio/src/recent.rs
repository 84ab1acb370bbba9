//! Things kept as long as there is room for them.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// The newest things, up to a weight; older ones make room.
#[derive(Debug)]
pub(crate) struct Recent<K, V> {
    things: HashMap<K, (V, usize)>,
    order: VecDeque<K>,
    weight: usize,
    most: usize,
}

impl<K: Clone + Eq + Hash, V: Clone> Recent<K, V> {
    pub(crate) fn new(most: usize) -> Self {
        Self { things: HashMap::new(), order: VecDeque::new(), weight: 0, most }
    }

    pub(crate) fn get(&self, key: &K) -> Option<V> {
        self.things.get(key).map(|(thing, _)| thing.clone())
    }

    pub(crate) fn put(&mut self, key: K, thing: V, weight: usize) {
        if self.things.contains_key(&key) {
            return;
        }
        self.things.insert(key.clone(), (thing, weight));
        self.order.push_back(key);
        self.weight += weight;
        while self.weight > self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.weight -= self.things.remove(&oldest).map_or(0, |(_, weight)| weight);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_make_room() {
        let mut recent = Recent::new(10);
        for key in 0..5 {
            recent.put(key, key * 10, 4);
            recent.put(key, 0, 4);
        }
        assert_eq!(
            (0..5).map(|key| recent.get(&key)).collect::<Vec<_>>(),
            [None, None, None, Some(30), Some(40)]
        );
        recent.put(9, 90, 100);
        assert_eq!((recent.get(&9), recent.weight), (None, 0));
    }
}
