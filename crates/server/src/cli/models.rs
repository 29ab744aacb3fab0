//! `rapport models`: models of customers on any file of one's own, without a server.
//!
//! Always holds: nothing is written but what a flag names; nothing leaves the machine.

mod attribution;
mod basket;
mod cluster;
mod clv;
mod experiment;
mod factors;
mod features;
mod forecast;
mod input;
mod kano;
mod nps;
mod outcome;
mod plot;
mod purchases;
mod recommend;
mod report;
mod saved;
mod sem;
mod sequence;
mod survival;
mod uplift;
mod wording;

use anyhow::Result;

/// Models of customers on a file: CSV, JSON Lines or Parquet.
#[derive(clap::Args, Debug)]
pub struct ModelsArgs {
    #[command(subcommand)]
    model: Model,
}

#[derive(clap::Subcommand, Debug)]
enum Model {
    /// Who is still there, how often they will buy, and what that is worth.
    Clv(clv::ClvArgs),
    /// Who will leave.
    Churn(outcome::OutcomeArgs),
    /// Who will do something: buy again, respond, convert.
    Propensity(outcome::OutcomeArgs),
    /// When something ends, and for whom sooner.
    Survival(survival::SurvivalArgs),
    /// Groups of customers, and what sets each apart.
    Cluster(cluster::ClusterArgs),
    /// What is bought together.
    Basket(basket::BasketArgs),
    /// What is done one after the other, and what comes before an outcome.
    Sequence(sequence::SequenceArgs),
    /// What cannot be asked directly, and what leads to what: structural equations.
    Sem(sem::SemArgs),
    /// Which wishes are taken for granted, and which delight.
    Kano(kano::KanoArgs),
    /// Scores of answers on a scale: NPS, CSAT, CES.
    Nps(nps::NpsArgs),
    /// What a treatment did.
    Experiment(experiment::ExperimentArgs),
    /// Whom a treatment moves.
    Uplift(uplift::UpliftArgs),
    /// What to offer whom.
    Recommend(recommend::RecommendArgs),
    /// What comes next: orders, revenue, volume.
    Forecast(forecast::ForecastArgs),
    /// Which channels conversions are credited to.
    Attribution(attribution::AttributionArgs),
}

/// Runs the command.
pub fn run(args: ModelsArgs) -> Result<()> {
    match args.model {
        Model::Clv(args) => clv::run(&args),
        Model::Churn(args) => outcome::run(&args, outcome::Told::Churn),
        Model::Propensity(args) => outcome::run(&args, outcome::Told::Propensity),
        Model::Survival(args) => survival::run(&args),
        Model::Cluster(args) => cluster::run(&args),
        Model::Basket(args) => basket::run(&args),
        Model::Sequence(args) => sequence::run(&args),
        Model::Sem(args) => sem::run(&args),
        Model::Kano(args) => kano::run(&args),
        Model::Nps(args) => nps::run(&args),
        Model::Experiment(args) => experiment::run(&args),
        Model::Uplift(args) => uplift::run(&args),
        Model::Recommend(args) => recommend::run(&args),
        Model::Forecast(args) => forecast::run(&args),
        Model::Attribution(args) => attribution::run(&args),
    }
}
