//! All variants of a sweep, and their plans as one.

use super::{resumed::Left, unread::Unread};
use crate::{
    cli::{
        Refusal,
        keep::{keep_listings, keep_member},
        launch::{Checking, Options, lists_all},
        prepare::{Known, draw_seed, layout, plan_of},
    },
    config::{self, Base, Gathered, Kept, Loaded, Secrets},
    plan::{Member, Merged, Plan, StageState, Status},
    record::{Layout, RecordError, RunFolder, SweepRecord, VariantRecord},
    report,
    schedule::Located,
    sweep::{Variant, combine, display_names, short_keys},
};
use contract::{Finding, Registry};
use indexmap::IndexMap;
use serde_json::{Value, json};
use std::{collections::BTreeSet, path::Path};

/// The version of the JSON object.
const FORMAT: u32 = 1;

/// All variants, and their plans as one.
pub(super) struct Planned {
    pub(super) variants: Vec<Variant>,
    pub(super) merged: Merged,
    /// The variants' different layouts, and which one each has.
    pub(super) layouts: Vec<Layout>,
    pub(super) layout_of: Vec<usize>,
    pub(super) secrets: Secrets,
    pub(super) drawn_seed: Option<u64>,
    /// `hydra.run.dir` of the first variant.
    pub(super) run_dir: String,
    pub(super) list_all: bool,
    /// What is to be said of the sweep as a whole.
    pub(super) findings: Vec<Finding>,
}

impl Planned {
    /// Loads and plans each variant; all mistakes in one report.
    pub(super) fn of(base: &Base, registry: &Registry) -> Result<Self, Refusal> {
        let settings = combine(base)?;
        let seed = draw_seed();
        let mut gathered = Gathered::default();
        let mut making = Making::default();
        for (number, settings) in settings.iter().enumerate() {
            let mut loaded = match base.load(settings) {
                Ok(loaded) => loaded,
                Err(errors) => {
                    gathered.add(number, errors);
                    continue;
                }
            };
            if loaded.config.general.global_seed.is_none() {
                loaded.set_seed(seed);
                making.drawn_seed = Some(seed);
            }
            match plan_of(&loaded, registry) {
                Ok(plan) => {
                    let layout = layout(&loaded.config).map_err(|refusal| refusal.hidden(&loaded))?;
                    let variant = Variant::of(&loaded, settings, &plan.operation_mode, layout.clone());
                    making.add(&loaded, variant, plan, layout);
                }
                Err(Refusal::Config(errors)) => gathered.add(number, errors),
                Err(refusal) => return Err(refusal.hidden(&loaded)),
            }
        }
        if !gathered.is_empty() {
            let describe = |number: usize| {
                let texts: Vec<String> = settings[number].iter().map(config::Setting::text).collect();
                format!("{number} ({})", texts.join(" "))
            };
            return Err(gathered.report(settings.len(), describe).into());
        }
        let mut planned = making.planned(&[])?;
        let members = &planned.merged.members;
        planned.findings = Unread { base, settings: &settings, members, seed, registry }.findings();
        Ok(planned)
    }

    /// The same of variants that a sweep keeps in its folder.
    pub(super) fn kept(
        folder: &RunFolder,
        record: &SweepRecord,
        left: &[Left],
        registry: &Registry,
    ) -> Result<Self, Refusal> {
        let mut gathered = Gathered::default();
        let mut making = Making::default();
        for Left { position, folder: own, .. } in left {
            let known: &VariantRecord = &record.variants[*position];
            let path = |name| own.path().join(name);
            let (config, secrets) = (path(RunFolder::CONFIG), path(RunFolder::SECRETS));
            if !config.exists() {
                let (path, file) = (folder.path().join(&known.folder), record.file.clone());
                return Err(RecordError::NoConfiguration { path, file }.into());
            }
            let kept = Kept { config, secrets: Some(secrets).filter(|secrets| secrets.exists()) };
            let loaded = match config::load_kept(&kept) {
                Ok(loaded) => loaded,
                Err(errors) => {
                    gathered.add(*position, errors);
                    continue;
                }
            };
            match plan_of(&loaded, registry) {
                Ok(plan) => {
                    let layout = layout(&loaded.config).map_err(|refusal| refusal.hidden(&loaded))?;
                    let variant = Variant::kept(&loaded, known, &plan.operation_mode, layout.clone());
                    making.add(&loaded, variant, plan, layout);
                }
                Err(Refusal::Config(errors)) => gathered.add(*position, errors),
                Err(refusal) => return Err(refusal.hidden(&loaded)),
            }
        }
        if !gathered.is_empty() {
            let describe = |number: usize| record.variants[number].folder.clone();
            return Err(gathered.report(left.len(), describe).into());
        }
        let undone: BTreeSet<usize> = left.iter().map(|left| left.position).collect();
        let done = record.variants.iter().enumerate().filter(|(position, _)| !undone.contains(position));
        let done: Vec<_> = done.map(|(_, variant)| variant.values.clone()).collect();
        making.planned(&done)
    }

    pub(super) fn preflight(
        &self,
        known: &Known,
        registry: &Registry,
        options: &Options,
        folder: &Path,
    ) -> Result<Vec<Located>, Refusal> {
        let (plan, list_all) = (&self.merged.plan, self.list_all);
        let mut found =
            Checking { plan, known, registry, options, run_folder: folder, list_all }.preflight()?;
        found.extend(self.findings.iter().cloned().map(|finding| Located { stage: None, finding }));
        Ok(found)
    }

    /// What each variant keeps so that it can be explained later.
    pub(super) fn keep(&self, known: &Known, folders: &[RunFolder]) -> Result<(), Refusal> {
        for (members, folder) in self.merged.members.iter().zip(folders) {
            keep_member(&self.merged.plan, members, known, folder)?;
        }
        keep_listings(&self.merged.plan, known)
    }

    /// What would run, for people.
    pub(super) fn text(&self, known: &Known) -> String {
        format!("{}\n{}", self.line(known), self.table(known))
    }

    /// What would run, for programs; as the help of `pipeline sweep` says.
    pub(super) fn json(&self, known: &Known) -> Value {
        let word = |state: &StageState| match state.status {
            Status::Hit(_) => "hit",
            Status::Run => "run",
            Status::After(_) => "after",
        };
        let count = |wanted: &str| known.states.values().filter(|state| word(state) == wanted).count();
        let stages = |members: &[Member]| -> Vec<Value> {
            let status = |member: &Member| known.states.get(member.node).map(word);
            members.iter().map(|member| json!({"name": member.name, "status": status(member)})).collect()
        };
        let variants = self.variants.iter().zip(&self.merged.members).enumerate();
        let variants: Vec<Value> = variants
            .map(|(number, (variant, members))| {
                json!({
                    "variant": number.to_string(),
                    "overrides": variant.overrides,
                    "values": variant.values,
                    "stages": stages(members),
                })
            })
            .collect();
        json!({
            "format": FORMAT,
            "operation_mode": self.merged.plan.operation_mode,
            "counts": {
                "variants": variants.len(),
                "stages": known.states.values().count(),
                "hit": count("hit"),
                "run": count("run"),
                "after": count("after"),
            },
            "variants": variants,
        })
    }

    /// What would run, in one line.
    pub(super) fn line(&self, known: &Known) -> String {
        let count =
            |wanted: fn(&Status) -> bool| known.states.values().filter(|state| wanted(&state.status)).count();
        let (hits, runs) =
            (count(|status| matches!(status, Status::Hit(_))), count(|status| matches!(status, Status::Run)));
        let alone: usize = self.merged.members.iter().map(Vec::len).sum();
        let nodes = known.states.values().count();
        let shared = if nodes < alone { format!(" ({alone} one by one)") } else { String::new() };
        format!(
            "{}: {}, {}{shared}, {hits} stored, {runs} to run, {} depending on others\n",
            self.merged.plan.operation_mode,
            report::count(self.variants.len(), "variant"),
            report::count(nodes, "stage"),
            nodes - hits - runs,
        )
    }

    /// The stages of each variant.
    fn table(&self, known: &Known) -> String {
        let values: Vec<_> = self.variants.iter().map(|variant| variant.values.clone()).collect();
        let short = short_keys(&values);
        let mut header = vec!["variant".to_owned()];
        header.extend(short.values().cloned());
        header.push("stages".to_owned());
        let rows: Vec<Vec<String>> = self
            .variants
            .iter()
            .zip(&self.merged.members)
            .enumerate()
            .map(|(number, (variant, members))| {
                let mut row = vec![number.to_string()];
                row.extend(
                    short
                        .keys()
                        .map(|key| variant.values.get(key).map(crate::sweep::shown).unwrap_or_default()),
                );
                let stages = members.iter().map(|member| {
                    let state = known.states.get(member.node).map(|state| &state.status);
                    let word = if matches!(state, Some(Status::Hit(_))) { "stored" } else { "run" };
                    format!("{} {word}", member.name)
                });
                row.push(stages.collect::<Vec<_>>().join(", "));
                row
            })
            .collect();
        let right: Vec<usize> = (0..header.len() - 1).collect();
        report::columns(&header, &rows, &right)
    }
}

/// Variants that are being planned.
#[derive(Default)]
struct Making {
    variants: Vec<Variant>,
    plans: Vec<(Plan, usize)>,
    layouts: Vec<Layout>,
    secrets: Secrets,
    drawn_seed: Option<u64>,
    run_dir: Option<String>,
    list_all: bool,
}

impl Making {
    fn add(&mut self, loaded: &Loaded, variant: Variant, plan: Plan, layout: Layout) {
        let known = self.layouts.iter().position(|other| *other == layout);
        let place = known.unwrap_or_else(|| {
            self.layouts.push(layout);
            self.layouts.len() - 1
        });
        self.secrets.add(loaded.secrets());
        self.run_dir.get_or_insert_with(|| loaded.config.hydra.run.dir.clone());
        self.list_all |= lists_all(&loaded.config);
        self.variants.push(variant);
        self.plans.push((plan, place));
    }

    /// `done` are the values of the sweep's variants that need no planning any more.
    fn planned(self, done: &[IndexMap<String, Value>]) -> Result<Planned, Refusal> {
        let layout_of = self.plans.iter().map(|(_, place)| *place).collect();
        let mut modes: Vec<&str> = self.plans.iter().map(|(plan, _)| plan.operation_mode.as_str()).collect();
        modes.dedup();
        let mode = modes.join(", ");
        let mut merged = Merged::of(self.plans, &mode)?;
        let values: Vec<_> = self.variants.iter().map(|variant| variant.values.clone()).collect();
        display_names(&mut merged, &values, done);
        Ok(Planned {
            variants: self.variants,
            merged,
            layouts: self.layouts,
            layout_of,
            secrets: self.secrets,
            drawn_seed: self.drawn_seed,
            run_dir: self.run_dir.unwrap_or_default(),
            list_all: self.list_all,
            findings: Vec::new(),
        })
    }
}
