//! Which results may lie in one place, one after the other.

use std::collections::HashMap;

use super::Plan;
use crate::network::steps::Place;

/// Gives each result a slot. So far its place's slot is its number; it is read by steps and outputs.
pub(super) fn give(plan: &mut Plan) {
    let mut last_use = HashMap::new();
    for (number, step) in plan.steps.iter().enumerate() {
        for place in [Some(step.input), step.added, Some(step.output)].into_iter().flatten() {
            last_use.insert(place.slot, number);
        }
    }
    for (_, shown) in &plan.outputs {
        last_use.insert(shown.place.slot, usize::MAX);
    }
    let mut slot_of = HashMap::from([(plan.entry.place.slot, 0)]);
    let (mut free, mut count) = (Vec::new(), 1);
    for number in 0..plan.steps.len() {
        let step = &plan.steps[number];
        let slot = free.pop().unwrap_or_else(|| {
            count += 1;
            count - 1
        });
        slot_of.insert(step.output.slot, slot);
        let used = [Some(step.input), step.added].into_iter().flatten().map(|place| place.slot);
        let mut over: Vec<usize> = used.chain([step.output.slot]).filter(|r| last_use[r] == number).collect();
        over.dedup();
        free.extend(over.iter().map(|result| slot_of[result]));
    }
    let moved = |place: &mut Place| place.slot = slot_of[&place.slot];
    moved(&mut plan.entry.place);
    for step in &mut plan.steps {
        moved(&mut step.input);
        moved(&mut step.output);
        step.added.iter_mut().for_each(moved);
    }
    plan.outputs.iter_mut().for_each(|(_, shown)| moved(&mut shown.place));
}
