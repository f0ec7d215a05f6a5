//! [`Compiler`]: from a [`Model`] to an [`Encoder`] or an artifact file, stage by stage, for one target or for several.

use crate::configuration::CompilationConfig;
use crate::encoder::Encoder;
use crate::error::CompileError;
use crate::explain::{Compilation, gather};
use crate::flops::matrix_flops;
use crate::passes::{self, AssignBuffers, PlanOptions, pack_all};
use crate::shared_weights::shared_weights;
use crate::stages::Stages;
use crate::switches::{Pass, Switches};
use ocellus_checkpoint::NonFiniteWeight;
use ocellus_codegen::Optimization;
use ocellus_dialects::symbolic::{SymbolRange, Symbols};
use ocellus_dialects::venc;
use ocellus_frontend::Model;
use ocellus_kernels::Target;
use ocellus_rewrite::{Assumption, Group, PieceOptions, Rule, ScheduleOffers, TargetDescription};
use ocellus_runtime::Options;
use ocellus_runtime::artifact::{
    Artifact, ArtifactContents, ArtifactError, ArtifactWriter, Destination, VariantContents,
};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;

/// The name under which an artifact carries the config of the checkpoint's image processor.
pub const PREPROCESSOR_ATTACHMENT: &str = "preprocessor_config";

/// The name under which an artifact carries the arithmetic of a run: see [`matrix_flops`].
pub const FLOPS_ATTACHMENT: &str = "matrix_flops";

/// The name under which an artifact carries the [`Explanation`](crate::Explanation) of its program for the target of that
/// name, in JSON and without times.
pub fn explanation_attachment(target: &str) -> String {
    format!("explanation/{target}")
}

/// What a compilation is doing, for those who watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Choosing kernels for a target.
    Saturate(Target),
    /// Planning buffers and launches for a target.
    Plan(Target),
    /// Emitting machine code for a target.
    Emit(Target),
    /// Packing and writing weights: how many of how many are done.
    Pack {
        /// Weights written so far.
        done: usize,
        /// All weights.
        all: usize,
    },
}

/// Compiles models for a target, or for several into one artifact.
#[derive(Clone, Debug)]
pub struct Compiler {
    /// Each once, in the order in which [all](Target::all) are listed. There is at least one.
    targets: Vec<Target>,
    config: CompilationConfig,
    /// Rules beside those of Ocellus.
    more_rules: Vec<(Group, &'static Rule)>,
    /// How intermediates share buffers.
    share_buffers: AssignBuffers,
}

impl Compiler {
    /// A compiler for `target` that asks for nothing special.
    pub fn new(target: Target) -> Self {
        Compiler {
            targets: vec![target],
            config: CompilationConfig::default(),
            more_rules: vec![],
            share_buffers: passes::assign_buffers,
        }
    }

    /// Compiles for that target too: whatever runs the artifact takes of its programs that for the most able target that it
    /// can run. A target that is among them already stays there once.
    pub fn and_for(mut self, target: Target) -> Self {
        if !self.targets.contains(&target) {
            self.targets.push(target);
            self.targets.sort_by_key(Target::place);
        }
        self
    }

    /// What is compiled for, the least able first.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// Replaces the configuration.
    pub fn config(mut self, config: CompilationConfig) -> Self {
        self.config = config;
        self
    }

    /// Names the model's component for caches and reports.
    pub fn tag(mut self, tag: &str) -> Self {
        self.config = self.config.tag(tag);
        self
    }

    /// Declares the sizes of a symbol; without, the model's own range holds.
    pub fn range(mut self, symbol: &str, range: RangeInclusive<i64>) -> Self {
        self.config = self.config.range(symbol, range);
        self
    }

    /// Switches a rewrite rule, a group of them, or a [`Pass`] off.
    pub fn disable(mut self, name: &str) -> Self {
        self.config = self.config.disable(name);
        self
    }

    /// Says something of the data that the model will see: where it is not so, results may be wrong.
    pub fn assume(mut self, assumption: Assumption) -> Self {
        self.config = self.config.assume(assumption);
        self
    }

    /// Chooses kernels by these rates: see [`calibrate`](crate::calibrate::calibrate).
    pub fn machine(mut self, machine: TargetDescription) -> Self {
        self.config = self.config.machine(machine);
        self
    }

    /// Compiles up to so many schedules of each launch, for the machine that runs it to [choose
    /// among](ocellus_runtime::Session::tune).
    pub fn schedules(mut self, most: usize) -> Self {
        self.config = self.config.schedules(most);
        self
    }

    /// Adds a rule, which may be wrong.
    #[cfg(test)]
    pub(crate) fn with_rule(mut self, group: Group, rule: &'static Rule) -> Self {
        self.more_rules.push((group, rule));
        self
    }

    /// Replaces the way in which buffers are shared, by one that may be wrong.
    #[cfg(test)]
    pub(crate) fn with_shared_buffers(mut self, share_buffers: AssignBuffers) -> Self {
        self.share_buffers = share_buffers;
        self
    }

    /// The rewrite rules, all of them on, and what they may assume.
    pub(crate) fn rules(&self) -> ocellus_rewrite::RuleSwitches {
        let rules = ocellus_rewrite::rules().chain(self.more_rules.iter().copied());
        ocellus_rewrite::RuleSwitches::of(rules)
            .and_assuming(self.config.assumptions.iter().copied())
    }

    /// The target, where there is but one.
    fn only_target(&self) -> Result<Target, CompileError> {
        match self.targets[..] {
            [target] => Ok(target),
            _ => Err(CompileError::SeveralTargets(self.target_names())),
        }
    }

    fn target_names(&self) -> String {
        let names = self.targets.iter().map(|target| format!("`{}`", target.name()));
        names.collect::<Vec<_>>().join(", ")
    }

    /// The rates that kernels are chosen by, where there is one target.
    pub fn rates(&self) -> Result<TargetDescription, CompileError> {
        self.rates_for(self.only_target()?)
    }

    /// Those of the machine for what it runs, and for any other target those of a machine like it.
    fn rates_for(&self, target: Target) -> Result<TargetDescription, CompileError> {
        let Some(machine) = &self.config.machine else {
            return Ok(TargetDescription::of(target)?);
        };
        let other = machine.kernels_target()?;
        let running = |target: Target| machine.clone().running(target);
        if let Some(rates) = running(target) {
            return Ok(rates);
        }
        if self.targets.iter().any(|target| running(*target).is_some()) {
            return Ok(TargetDescription::of(target)?);
        }
        Err(CompileError::OtherMachine {
            machine: machine.name.clone(),
            other: other.name(),
            targets: self.target_names(),
        })
    }

    /// Compiles up to the host program, for the only target; no machine code, no weight is touched.
    pub fn stages(&self, model: &Model) -> Result<Stages, CompileError> {
        let target = self.only_target()?;
        self.stages_for(target, model, &self.declared(model)?, &mut |_| {})
    }

    /// The model's program under the ranges that are asked for.
    fn declared(&self, model: &Model) -> Result<venc::Module, CompileError> {
        let mut module = model.module.clone();
        self.apply_ranges(&mut module.symbols)?;
        module.verify()?;
        Ok(module)
    }

    fn stages_for(
        &self,
        target: Target,
        model: &Model,
        module: &venc::Module,
        observe: &mut dyn FnMut(Stage),
    ) -> Result<Stages, CompileError> {
        observe(Stage::Saturate(target));
        let switches = Switches::of(self.rules()).and_without(&self.config.disabled)?;
        let specialized = match switches.is_on(Pass::Specialize) {
            true => ocellus_rewrite::specialize(module),
            false => module.clone(),
        };
        let mut options = PieceOptions::default();
        if !switches.is_on(Pass::CutRange) {
            options.max_pieces = 1;
        }
        let rates = self.rates_for(target)?;
        let chosen =
            ocellus_rewrite::choose_pieces(&specialized, &rates, switches.rules(), options)?;
        let (pieces, reports): (Vec<_>, Vec<_>) = chosen.into_iter().unzip();
        observe(Stage::Plan(target));
        let assign_buffers = match switches.is_on(Pass::ShareBuffers) {
            true => self.share_buffers,
            false => passes::buffer_for_each,
        };
        let most = self.config.schedules;
        let offers = (most > 1).then(|| ScheduleOffers::new(&module.symbols, &rates, most));
        let options = PlanOptions { assign_buffers, offers: offers.as_ref() };
        let host = passes::plan_with(module, &pieces, target, options)?;
        let optimization = match switches.is_on(Pass::OptimizeCode) {
            true => Optimization::Full,
            false => Optimization::Off,
        };
        let explanation = gather(&Compilation {
            name: self.config.tag.as_deref().unwrap_or(&model.name),
            target: target.name(),
            description: &rates,
            switches: &switches,
            venc: module,
            pieces: &pieces,
            reports: &reports,
            host: &host,
        })?;
        let assembles = switches.is_on(Pass::Assemble);
        Ok(Stages {
            venc: module.clone(),
            pieces,
            reports,
            host,
            explanation,
            target,
            optimization,
            assembles,
        })
    }

    /// Compiles `model` and loads the result, on the device of the target: of several the most able that this machine can run.
    pub fn compile(&self, model: &Model) -> Result<Encoder, CompileError> {
        self.compile_for(model, Options::default())
    }

    /// Compiles `model` and loads the result, to run it so.
    pub fn compile_for(&self, model: &Model, options: Options) -> Result<Encoder, CompileError> {
        let (programs, artifact) = self.compile_artifact(model, &mut |_| {})?;
        Ok(Encoder::new(programs, artifact, options)?)
    }

    /// Compiles `model` in memory. Nothing is loaded, so the targets may be other machines. There is a program for each of them,
    /// whose explanation warns of weights that are not finite.
    pub fn compile_artifact(
        &self,
        model: &Model,
        observe: &mut dyn FnMut(Stage),
    ) -> Result<(Vec<Stages>, Artifact), CompileError> {
        self.compile_into(model, observe, ArtifactWriter::in_memory)
    }

    /// Compiles `model` into a file, of which nothing is seen before it is whole. There is a program for each target,
    /// whose explanation warns of weights that are not finite.
    pub fn compile_to_file(
        &self,
        model: &Model,
        file: &Path,
        observe: &mut dyn FnMut(Stage),
    ) -> Result<Vec<Stages>, CompileError> {
        let create = |contents| ArtifactWriter::create(file, contents);
        Ok(self.compile_into(model, observe, create)?.0)
    }

    fn compile_into<D: Destination>(
        &self,
        model: &Model,
        observe: &mut dyn FnMut(Stage),
        create: impl FnOnce(ArtifactContents) -> Result<ArtifactWriter<D>, ArtifactError>,
    ) -> Result<(Vec<Stages>, D::Written), CompileError> {
        let module = self.declared(model)?;
        let stages = |target: &Target| self.stages_for(*target, model, &module, observe);
        let mut programs = self.targets.iter().map(stages).collect::<Result<Vec<_>, _>>()?;
        let (written, warnings) = self.write(model, &programs, observe, create)?;
        let warnings = listed(&warnings);
        for program in &mut programs {
            program.explanation.warnings.extend_from_slice(&warnings);
        }
        Ok((programs, written))
    }

    fn write<D: Destination>(
        &self,
        model: &Model,
        programs: &[Stages],
        observe: &mut dyn FnMut(Stage),
        create: impl FnOnce(ArtifactContents) -> Result<ArtifactWriter<D>, ArtifactError>,
    ) -> Result<(D::Written, Vec<NonFiniteWeight>), CompileError> {
        let variants = programs.iter().map(|program| {
            observe(Stage::Emit(program.target));
            let (target, plan) = (program.target.requirements(), program.host.plan.clone());
            Ok(VariantContents { target, plan, code: program.code()?.bytes })
        });
        let variants = variants.collect::<Result<_, CompileError>>()?;
        let tag = self.config.tag.as_deref().unwrap_or(&model.name);
        let attachments = attachments(model, programs)?;
        let mut writer =
            create(ArtifactContents { attachments, ..ArtifactContents::new(tag, variants) })?;
        let weights =
            shared_weights(programs.iter().map(|program| program.host.weights.as_slice()));
        let mut warnings = vec![];
        let (mut done, all) = (0, weights.len());
        observe(Stage::Pack { done, all });
        pack_all(&weights, model.weights.as_ref(), |weight, packed| {
            writer.write_weight(&weight.name(), [packed.bytes])?;
            for warning in packed.warnings {
                // A tensor may be packed in more than one way.
                if !warnings.contains(&warning) {
                    warnings.push(warning);
                }
            }
            done += 1;
            observe(Stage::Pack { done, all });
            Ok::<(), CompileError>(())
        })?;
        Ok((writer.finish()?, warnings))
    }

    fn apply_ranges(&self, symbols: &mut Symbols) -> Result<(), CompileError> {
        for (symbol, range) in &self.config.ranges {
            let declared = symbols.free().find(|(free, _)| free.name() == symbol);
            let Some((_, declared)) = declared else {
                let known: Vec<String> =
                    symbols.free().map(|(s, r)| format!("{s} in {r}")).collect();
                let known = if known.is_empty() { "none".into() } else { known.join(", ") };
                return Err(CompileError::UnknownSymbol { symbol: symbol.clone(), known });
            };
            let (min, max, step) = (*range.start(), *range.end(), declared.step);
            symbols.set_range(symbol, SymbolRange { min, max, step })?;
        }
        Ok(())
    }
}

/// The texts that travel with a model.
fn attachments(
    model: &Model,
    programs: &[Stages],
) -> Result<BTreeMap<String, String>, CompileError> {
    let mut attachments = BTreeMap::new();
    if let Some(config) = &model.preprocessor_config {
        attachments.insert(PREPROCESSOR_ATTACHMENT.to_string(), config.to_string());
    }
    for program in programs {
        // The mathematics is that of the model, and so the same for all targets.
        let flops = matrix_flops(&program.venc).to_string();
        attachments.insert(FLOPS_ATTACHMENT.to_string(), flops);
        let explanation = program.explanation.clone().without_times().to_json()?;
        attachments.insert(explanation_attachment(&program.target.name()), explanation);
    }
    Ok(attachments)
}

/// How many weights that are not finite are named.
const LISTED: usize = 5;

/// The warnings as a person reads them: the first few by name, in an order that does not depend on which thread was
/// first.
fn listed(weights: &[NonFiniteWeight]) -> Vec<String> {
    let mut warnings: Vec<String> = weights.iter().map(NonFiniteWeight::to_string).collect();
    warnings.sort();
    let others = warnings.len().saturating_sub(LISTED);
    warnings.truncate(LISTED);
    if others > 0 {
        warnings.push(format!("{others} more weight(s) are not finite"));
    }
    warnings
}
