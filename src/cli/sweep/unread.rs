//! Swept keys that make no difference: no stage of any variant reads them.

use crate::{
    cli::prepare::{layout, plan_of},
    config::{Base, Setting},
    plan::{Member, Merged, Plan},
    record::Layout,
};
use contract::{Finding, Registry};
use indexmap::IndexSet;
use petgraph::graph::NodeIndex;
use std::collections::BTreeMap;

/// The variants of a sweep, and their stages in the plan of all.
pub(super) struct Unread<'a> {
    pub(super) base: &'a Base,
    pub(super) settings: &'a [Vec<Setting>],
    pub(super) members: &'a [Vec<Member>],
    /// The seed of variants that leave it to chance.
    pub(super) seed: u64,
    pub(super) registry: &'a Registry,
}

impl Unread<'_> {
    /// A warning for each key whose value decides nothing in the plan of any variant.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let keys: IndexSet<String> =
            self.settings.iter().flatten().map(|setting| setting.key.name()).collect();
        let unread = keys.into_iter().filter(|key| self.has_values(key) && !self.is_read(key));
        let warning = |key: String| {
            let message = format!(
                "`{key}` makes no difference in this sweep: no stage reads it, and variants that differ in nothing else \
                 have the same results"
            );
            Finding::warning("sweep::unread", message)
                .with_help("take it out, or sweep a key that a stage reads")
        };
        unread.map(warning).collect()
    }

    /// Whether there are several.
    fn has_values(&self, key: &str) -> bool {
        self.settings.iter().any(|settings| value(settings, key) != value(&self.settings[0], key))
    }

    /// Whether two variants that differ in nothing but this key differ in their stages. Where a variant has no such other,
    /// one is made.
    fn is_read(&self, key: &str) -> bool {
        let mut alike: BTreeMap<Vec<String>, Vec<usize>> = BTreeMap::new();
        for (number, settings) in self.settings.iter().enumerate() {
            let others = settings.iter().filter(|setting| setting.key.name() != key).map(Setting::text);
            alike.entry(others.collect()).or_default().push(number);
        }
        let (mut alone, stages) = (Vec::new(), |number: usize| nodes(&self.members[number]));
        for numbers in alike.into_values() {
            let first = numbers[0];
            let own = value(&self.settings[first], key);
            let mut others =
                numbers.iter().filter(|other| value(&self.settings[**other], key) != own).peekable();
            if others.peek().is_none() {
                alone.push(first);
            }
            if others.any(|other| stages(*other) != stages(first)) {
                return true;
            }
        }
        alone.into_iter().any(|number| self.would_differ(number, key))
    }

    /// Whether a variant would have other stages with another of the key's values, as far as that can be told.
    fn would_differ(&self, number: usize, key: &str) -> bool {
        let settings = &self.settings[number];
        let own = value(settings, key);
        let is_other = |setting: &&Setting| setting.key.name() == key && Some(setting.text()) != own;
        let Some(other) = self.settings.iter().flatten().find(is_other) else { return false };
        let mut changed: Vec<Setting> =
            settings.iter().filter(|setting| setting.key.name() != key).cloned().collect();
        changed.push(other.clone());
        let (Some((plan, layout)), Some((other_plan, other_layout))) =
            (self.plan(settings), self.plan(&changed))
        else {
            return true;
        };
        let merged = Merged::of([(plan, 0), (other_plan, 0)], "");
        let same =
            merged.is_ok_and(|merged| matches!(&*merged.members, [one, two] if nodes(one) == nodes(two)));
        layout != other_layout || !same
    }

    /// The plan of some settings; nothing where there are mistakes in them.
    fn plan(&self, settings: &[Setting]) -> Option<(Plan, Layout)> {
        let mut loaded = self.base.load(settings).ok()?;
        if loaded.config.general.global_seed.is_none() {
            loaded.set_seed(self.seed);
        }
        Some((plan_of(&loaded, self.registry).ok()?, layout(&loaded.config).ok()?))
    }
}

/// The value of a key with the key, as it is written.
fn value(settings: &[Setting], key: &str) -> Option<String> {
    settings.iter().find(|setting| setting.key.name() == key).map(Setting::text)
}

fn nodes(members: &[Member]) -> Vec<NodeIndex> {
    members.iter().map(|member| member.node).collect()
}
